import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, mock, test } from 'node:test'
import { connect } from '../src/index.js'

let asked = 0
const host = createServer((_, response) => {
  asked++
  response.writeHead(404).end()
})
before(() => new Promise<void>((resolve) => void host.listen(0, '127.0.0.1', resolve)))
after(() => {
  host.close()
  host.closeAllConnections()
})

/** Lets what is under way go on until `done`: timers stand still, the network does not. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve))
}

test('a core that cannot be had is tried again by itself, ever more rarely, and no more once the client is closed', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const told: string[] = []
    const origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
    const client = connect({
      url: origin, account: 'alice', token: 'tok', storage: 'memory', wasmUrl: `${origin}/recents.wasm`,
      logger: { error: (message) => told.push(message) },
    })
    assert.match(await client.ready, /^core: .*HTTP status 404$/)
    assert.equal(client.status.connection, 'offline')
    for (const wait of [1, 2, 4, 8, 16, 30, 30]) {
      const before = asked
      mock.timers.tick(wait * 1000 - 1)
      assert.equal(asked, before, `not within ${wait} s`)
      mock.timers.tick(1)
      await until(() => told.length === before + 1)
      assert.equal(asked, before + 1, `after ${wait} s`)
    }
    const last = asked
    const result = await client.messageService.queryMySession('bob', 'p2p')
    assert.deepEqual([result.code, result.errorDetails === client.status.lastError, asked], [500, true, last], 'a call in between does not ask')

    await client.close()
    mock.timers.tick(600_000)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(asked, last)
    assert.equal(client.status.connection, 'closed')
  } finally {
    mock.timers.reset()
  }
})
