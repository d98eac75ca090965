import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession } from 'recents'
import { Names } from './names'

function session(sessionType: string, sessionId: string, message: object): RecentSession {
  return { sessionId, sessionType, lastMsg: JSON.stringify({ messageDirection: 'received', ...message }) } as RecentSession
}

const bob = { sessionId: 'bob', sessionType: 'p2p' } as const
const team = { sessionId: 'bob', sessionType: 'team' } as const // a team with a person's id

test('a nickname names the sender everywhere, and no group of the same id', () => {
  const names = new Names()
  assert.equal(names.learn(session('team', 't', { fromAccount: 'bob', fromNickname: 'Bob O.' })), true)
  assert.equal(names.of('bob'), 'Bob O.')
  assert.equal(names.titleOf(bob), 'Bob O.')
  assert.equal(names.titleOf(team), 'bob')
})

test('the same name again is no news', () => {
  const names = new Names()
  const said = session('p2p', 'bob', { fromAccount: 'bob', fromNickname: 'Bob O.' })
  assert.equal(names.learn(said), true)
  assert.equal(names.learn(said), false)
})

test('what this page sends keeps both names', () => {
  const names = new Names()
  names.learn(session('p2p', 'bob', { fromAccount: 'bob', fromNickname: 'Bob O.' }))
  names.learn(session('p2p', 'carol', { fromAccount: 'alice', fromNickname: 'Alice M.', messageDirection: 'outgoing' }))
  const tags = names.tagsFor(bob, 'alice')
  assert.deepEqual(tags, { fromNickname: 'Alice M.', remoteExtension: { toNickname: 'Bob O.' } })

  const reopened = new Names()
  reopened.learn(session('p2p', 'bob', { ...tags, fromAccount: 'alice', messageDirection: 'outgoing' }))
  assert.equal(reopened.titleOf(bob), 'Bob O.')
  assert.equal(reopened.of('alice'), 'Alice M.')
})

test('a friend cannot name me or my other friends', () => {
  const names = new Names()
  names.learn(session('p2p', 'bob', { fromAccount: 'bob', remoteExtension: { toNickname: 'fool' } }))
  assert.equal(names.of('alice'), 'alice')
  assert.equal(names.titleOf(bob), 'bob')
})

test('a group is called what its messages say', () => {
  const names = new Names()
  names.learn(session('team', 'bob', { fromAccount: 'x', remoteExtension: { teamName: 'Hikers' } }))
  assert.equal(names.titleOf(team), 'Hikers')
  assert.deepEqual(names.tagsFor(team, 'alice'), { remoteExtension: { teamName: 'Hikers' } })
})

test('names of the wrong kind, and empty ones, are none', () => {
  const names = new Names()
  for (const fromNickname of [5, null, {}, '', '  ']) {
    assert.equal(names.learn(session('p2p', 'bob', { fromAccount: 'bob', fromNickname })), false)
  }
  assert.equal(names.learn({ sessionId: 'bob', sessionType: 'p2p', lastMsg: '{' } as RecentSession), false)
})
