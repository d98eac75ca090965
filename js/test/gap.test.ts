import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession, RecentSessionList } from '../src/api.js'
import { differences } from '../src/gap.js'

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
    const told = differences(listOf(shown), listOf(now), new Set(heard))
    assert.deepEqual(told.updated.map((session) => session.sessionId), updated)
    assert.deepEqual(told.deleted, deleted.map((sessionId) => ({ sessionId, sessionType: 'p2p' })))
  })
}
