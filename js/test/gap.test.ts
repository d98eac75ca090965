import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession, RecentSessionList } from '../src/api.js'
import { differences } from '../src/gap.js'
import { deleteCall, updateCall, type Call } from '../src/params.js'

/** A list of sessions, newest first, as `id@time`, `id@time:ext`; with `…` in the end there are more. */
function listOf(text: string): RecentSessionList {
  const names = text.split(' ').filter((name) => name !== '' && name !== '…')
  const sessionList = names.map((name) => {
    const [, sessionId, time, ext] = /^(\w+)@(\d+)(?::(\w+))?$/.exec(name)!
    return { sessionId, sessionType: 'p2p', updateTime: Number(time), ...(ext ? { ext } : {}) } as unknown as RecentSession
  })
  return { hasMore: text.endsWith('…'), sessionList, nextMaxTimestamp: 0 }
}

const cases: [what: string, shown: string, now: string, heard: string[], updated: string[], deleted: string[]][] = [
  ['nothing', 'a@2 b@1', 'a@2 b@1', [], [], []],
  ['a message', 'a@2 b@1', 'b@3 a@2', [], ['b'], []],
  ['an ext', 'a@2 b@1', 'a@2 b@1:x', [], ['b'], []],
  ['several, the oldest first', 'a@2 b@1', 'd@5 c@4 b@3 a@2', [], ['b', 'c', 'd'], []],
  ['a delete', 'a@2 b@1', 'a@2', [], [], ['b']],
  ['all of them', 'a@2 b@1', '', [], [], ['a', 'b']],
  ['the first of all', '', 'a@1', [], ['a'], []],
  ['what was heard of', 'a@2 b@1', 'b@3', ['p2p|a', 'p2p|b'], [], []],
  ['one from below', 'a@5 b@4 …', 'z@6 a@5 b@4 c@3 …', [], ['z'], []],
  ['what a delete let up', 'a@5 b@4 …', 'a@5 c@3 …', [], [], ['b']],
  ['what was pushed out', 'a@5 b@4', 'd@7 c@6 …', [], ['c', 'd'], []],
]

for (const [what, shown, now, heard, updated, deleted] of cases) {
  test(`between two lists: ${what}`, () => {
    const told = differences(listOf(shown), listOf(now), new Set(heard), [])
    assert.deepEqual(told.updated.map((session) => session.sessionId), updated)
    assert.deepEqual(told.deleted, deleted.map((sessionId) => ({ sessionId, sessionType: 'p2p' })))
  })
}

const sets = (sessionId: string, ext: string): Call => updateCall([sessionId, 'p2p', ext])
const deletes = (...ids: string[]): Call => deleteCall([ids.map((sessionId) => ({ sessionId, sessionType: 'p2p' }))])
const own: [what: string, calls: Call[], shown: string, now: string, updated: string[], deleted: string[]][] = [
  ['an ext', [sets('b', 'x')], 'a@2 b@1', 'a@2 b@1:x', [], []],
  ['by the whole key', [updateCall(['p2p|b', undefined, 'x'])], 'a@2 b@1', 'a@2 b@1:x', [], []],
  ['by the whole key and the type', [sets('p2p|b', 'x')], 'a@2 b@1', 'a@2 b@1:x', [], []],
  ['an ext that is cleared', [sets('b', '')], 'a@2 b@1:x', 'a@2 b@1', [], []],
  ['the last of several', [sets('b', 'x'), sets('b', 'y')], 'a@2 b@1', 'a@2 b@1:y', [], []],
  ['a session that it made', [sets('c', 'x')], 'a@2 b@1', 'c@3:x a@2 b@1', [], []],
  ['a delete', [deletes('a', 'b')], 'a@2 b@1', '', [], []],
  ['what another device wrote over it', [sets('b', 'x')], 'a@2 b@1', 'a@2 b@1:y', ['b'], []],
  ['a message beside it', [sets('b', 'x')], 'a@2 b@1', 'b@3:x a@2', ['b'], []],
  ['a delete by another device of what it wrote', [sets('b', 'x')], 'a@2 b@1', 'a@2', [], ['b']],
  ['what a message brought back', [deletes('b')], 'a@2 b@1', 'b@3 a@2', ['b'], []],
  ['what the core refuses', [updateCall([]), deleteCall(['b']), deleteCall([[null, 3, {}]])], 'a@2 b@1', 'a@2', [], ['b']],
]

for (const [what, calls, shown, now, updated, deleted] of own) {
  test(`between two lists, of the app's own writes: ${what}`, () => {
    const told = differences(listOf(shown), listOf(now), new Set(), calls)
    assert.deepEqual(told.updated.map((session) => session.sessionId), updated)
    assert.deepEqual(told.deleted.map(({ sessionId }) => sessionId), deleted)
  })
}
