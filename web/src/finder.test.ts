import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession } from 'recents'
import { Finder, fold, wordsOf } from './finder'
import { Names } from './names'

function session(sessionId: string, message: object = {}): RecentSession {
  const lastMsg = JSON.stringify({ messageType: 'text', messageDirection: 'received', fromAccount: sessionId, ...message })
  return { sessionId, sessionType: 'p2p', lastMsgType: 0, lastMsg } as RecentSession
}

for (const [text, want] of [
  ['María José', 'maria jose'],
  ['ÅNGSTRÖM', 'angstrom'],
  ['ｆｕｌｌ', 'full'], // wide letters
  ['田中 雪', '田中 雪'],
  ['प्रिया', 'प्रिया'], // the vowel signs of other scripts are letters, not accents
] as const) {
  test(`fold ${text}`, () => assert.equal(fold(text), want))
}

test('words are what stands between spaces', () => {
  assert.deepEqual(wordsOf('  Big   DOG '), ['big', 'dog'])
  assert.deepEqual(wordsOf(' \t'), [])
})

test('a session is found by name, id and last message, by every word in any order', () => {
  const names = new Names()
  const finder = new Finder('alice', names)
  const maria = session('m-17', { content: 'See you at the Lake', fromNickname: 'María José' })
  names.learn(maria)
  for (const query of ['maria', 'jose mar', 'M-17', 'lake', 'lake josé']) assert.equal(finder.matches(maria, wordsOf(query)), true, query)
  for (const query of ['bob', 'lake bob', 'alice']) assert.equal(finder.matches(maria, wordsOf(query)), false, query)
})

test('a name that is learned later is found too', () => {
  const names = new Names()
  const finder = new Finder('alice', names)
  const bob = session('bob', { content: 'hello' })
  finder.prepare(bob)
  assert.equal(finder.matches(bob, ['okafor']), false)
  names.learn(session('bob', { fromNickname: 'Bob Okafor' }))
  assert.equal(finder.matches(bob, ['okafor']), true)
})

test('a message without text is found by what the row says of it', () => {
  const photo = session('bob', { messageType: 'image', content: '', messageAttachment: { displayName: 'IMG_2210.jpg' } })
  assert.equal(new Finder('alice', new Names()).matches(photo, wordsOf('img_2210')), true)
})
