import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession } from 'recents'
import { Names } from './names'
import { Threads } from './threads'

function said(uuid: string, at: number, content: string): RecentSession {
  const message = { uuid, fromAccount: 'bob', messageType: 'text', content, timestamp: at, messageDirection: 'received' }
  return { sessionId: 'bob', sessionType: 'p2p', updateTime: at, lastMsgType: 0, revokeNotification: null, lastMsg: JSON.stringify(message), recentSession: {} } as RecentSession
}

function takenBack(uuid: string, at: number): RecentSession {
  const message = { uuid, fromAccount: 'bob', messageType: 'text', content: null, timestamp: at }
  return { sessionId: 'bob', sessionType: 'p2p', updateTime: at, lastMsgType: 1, revokeNotification: { message, revokeAccount: 'bob' }, recentSession: {} } as unknown as RecentSession
}

const texts = (threads: Threads): string[] => threads.of('p2p|bob').map(({ text }) => text)

test('messages gather in order of time, each once', () => {
  const threads = new Threads('alice', new Names())
  for (const session of [said('1', 10, 'a'), said('3', 30, 'c'), said('1', 10, 'a'), said('2', 20, 'b\nb')]) threads.note(session)
  assert.deepEqual(texts(threads), ['a', 'b\nb', 'c'])
})

test('the same session again changes nothing, so that nothing is drawn or spoken twice', () => {
  const threads = new Threads('alice', new Names())
  threads.note(said('1', 10, 'a'))
  const before = threads.of('p2p|bob')
  threads.note(said('1', 10, 'a'))
  assert.equal(threads.of('p2p|bob'), before)
})

test('a message that was taken back leaves its place to the notice', () => {
  const threads = new Threads('alice', new Names())
  threads.note(said('1', 10, 'a'))
  threads.note(said('2', 20, 'b'))
  threads.note(takenBack('2', 20))
  assert.deepEqual(texts(threads), ['a', 'bob took a message back'])
})

test('only so many are kept, and a deleted chat keeps none', () => {
  const threads = new Threads('alice', new Names())
  for (let i = 1; i <= 205; i++) threads.note(said(`${i}`, i, `${i}`))
  assert.equal(texts(threads).length, 200)
  assert.equal(texts(threads)[0], '6')
  threads.forget('p2p|bob')
  assert.deepEqual(texts(threads), [])
})
