import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientStatus } from 'recents'
import { summaryOf } from './summary'

for (const [change, want] of [
  [{}, 'Live · 1,234 saved'],
  [{ pending: 1 }, 'Live · 1 change waiting'],
  [{ connection: 'offline', pending: 3 }, 'Offline · 3 changes waiting'],
  [{ connection: 'unauthorized' }, 'Signed out · 1,234 saved'],
  [{ storage: 'memory' }, 'Live · 1,234 saved · in memory'],
] as [Partial<ClientStatus>, string][]) {
  test(`the status says ${want}`, () => {
    const status: ClientStatus = { connection: 'live', storage: 'indexeddb', leader: true, cached: 1234, pending: 0, cursor: '', lastError: '' }
    assert.equal(summaryOf({ ...status, ...change }), want)
  })
}
