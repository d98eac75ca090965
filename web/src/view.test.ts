import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession } from 'recents'
import { Finder } from './finder'
import { Names } from './names'
import { Sessions } from './sessions'
import { View } from './view'

function session(sessionId: string, updateTime: number, ext = ''): RecentSession {
  return { sessionId, sessionType: 'p2p', updateTime, ext, lastMsgType: 0 } as RecentSession
}

function view(): { sessions: Sessions; view: View } {
  const sessions = new Sessions()
  sessions.putPage({ sessions: [session('anna', 9), session('bob', 8), session('hannah', 7)], from: 0, next: 0 }, 0)
  return { sessions, view: new View(sessions, new Finder('me', new Names())) }
}

function ids({ entries }: View): string {
  return entries.map(({ session: { sessionId } }) => sessionId).join(' ')
}

test('without a search all are shown, as the sessions order them', () => {
  const { sessions, view: all } = view()
  assert.equal(all.entries, sessions.entries)
  assert.equal(all.searching, false)
  assert.equal(all.whole, true)
})

test('a search shows what it finds, and follows changes', () => {
  const { sessions, view: found } = view()
  assert.equal(found.search('ANNA'), true)
  assert.equal(ids(found), 'anna hannah')
  assert.equal(found.get('p2p|bob'), undefined)
  sessions.put(session('susanna', 10))
  sessions.put(session('hannah', 11))
  sessions.put(session('bob', 12))
  assert.equal(ids(found), 'hannah susanna anna')
  found.entries.forEach((entry, i) => assert.equal(found.indexOf(entry), i))
  assert.equal(found.search('  anna '), false, 'the same words')
  assert.equal(found.search(''), true)
  assert.equal(ids(found), 'bob hannah susanna anna')
})

test('what is hidden is left out until it is not, in a search too', () => {
  const { view: some } = view()
  some.hide('p2p|anna', true)
  assert.equal(ids(some), 'bob hannah')
  assert.equal(some.get('p2p|anna'), undefined)
  some.search('anna')
  assert.equal(ids(some), 'hannah')
  some.hide('p2p|anna', false)
  assert.equal(ids(some), 'anna hannah')
})
