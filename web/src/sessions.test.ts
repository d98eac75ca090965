import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession } from 'recents'
import { keyOf, Sessions } from './sessions'

function session(id: string, updateTime: number, ext?: string): RecentSession {
  return { sessionId: id, sessionType: 'p2p', updateTime, ...(ext === undefined ? {} : { ext }) } as RecentSession
}

function ids(sessions: Sessions): string {
  return sessions.entries.map(({ session: { sessionId, updateTime } }) => sessionId + updateTime).join(' ')
}

/** Sessions that hold one page, a9 b8 c7, with more below 6. */
function onePage(): Sessions {
  const sessions = new Sessions()
  sessions.putPage({ sessions: [session('a', 9), session('b', 8), session('c', 7)], from: 0, next: 6 }, 0)
  return sessions
}

test('keys are those of the contract', () => {
  assert.equal(keyOf({ sessionId: 'a|b', sessionType: 'p2p' }), 'p2p|a|b')
  assert.equal(keyOf({ sessionId: 't', sessionType: 'team' }), 'team|t')
  assert.equal(keyOf({ sessionId: 't', sessionType: 'superTeam' }), 'super_team|t')
})

test('pages join, newest first, pinned ones on top', () => {
  const sessions = onePage()
  assert.equal(sessions.reach, 6)
  sessions.putPage({ sessions: [session('d', 5, '{"pinned":true}'), session('e', 4)], from: 6, next: 0 }, 0)
  assert.equal(ids(sessions), 'd5 a9 b8 c7 e4')
  assert.equal(sessions.reach, 0)
})

test('an arrival moves its session up, and the ext of a session can pin and unpin it', () => {
  const sessions = onePage()
  sessions.put(session('c', 10))
  assert.equal(ids(sessions), 'c10 a9 b8')
  sessions.put(session('b', 8, '{"pinned":true}'))
  assert.equal(ids(sessions), 'b8 c10 a9')
  sessions.put(session('b', 8, ''))
  assert.equal(ids(sessions), 'c10 a9 b8')
})

test('what belongs to a page that was not read yet waits for it', () => {
  const sessions = onePage()
  assert.equal(sessions.put(session('x', 3, 'new')), null)
  assert.equal(ids(sessions), 'a9 b8 c7')
  sessions.putPage({ sessions: [session('e', 4), session('x', 3, 'old')], from: 6, next: 0 }, 0)
  assert.equal(ids(sessions), 'a9 b8 c7 e4 x3')
  assert.equal(sessions.get('p2p|x')?.session.ext, 'new') // the page was asked before the event
})

test('what waited for a page is gone when the page, asked later, does not name it', () => {
  const sessions = onePage()
  sessions.put(session('x', 3))
  sessions.putPage({ sessions: [session('e', 4)], from: 6, next: 0 }, sessions.moment())
  assert.equal(ids(sessions), 'a9 b8 c7 e4')
})

test('a page does not undo what happened while it was on its way', () => {
  const sessions = onePage()
  const moment = sessions.moment()
  sessions.put(session('b', 12))
  sessions.put(session('new', 11))
  sessions.remove('p2p|c')
  sessions.putPage({ sessions: [session('a', 9), session('b', 8), session('c', 7)], from: 0, next: 6 }, moment)
  assert.equal(ids(sessions), 'b12 new11 a9')
})

test('an event before the first page is in the list after it', () => {
  const sessions = new Sessions()
  assert.equal(sessions.put(session('b', 10)), null)
  sessions.putPage({ sessions: [session('a', 9), session('b', 8)], from: 0, next: 0 }, 0)
  assert.equal(ids(sessions), 'b10 a9')
})

test('a page that is read again takes away what it no longer names, and keeps the reach', () => {
  const sessions = onePage()
  sessions.putPage({ sessions: [session('d', 5)], from: 6, next: 0 }, 0)
  sessions.putPage({ sessions: [session('a', 9), session('c', 7)], from: 0, next: 6 }, sessions.moment())
  assert.equal(ids(sessions), 'a9 c7 d5')
  assert.equal(sessions.reach, 0)
})

test('a single read gives way to a later change', () => {
  const sessions = onePage()
  const moment = sessions.moment()
  sessions.put(session('a', 9, 'later'))
  assert.equal(sessions.putRead(session('a', 9, 'earlier'), moment), false)
  assert.equal(sessions.get('p2p|a')?.session.ext, 'later')
  assert.equal(sessions.putRead(session('b', 8, 'read'), moment), true)
})

test('indexOf finds each entry', () => {
  const sessions = onePage()
  sessions.put(session('b', 8, '{"pinned":true}'))
  sessions.entries.forEach((entry, i) => assert.equal(sessions.indexOf(entry), i))
})

// A server of 40 sessions changes at random while pages of it are read, each answer as it was when the page was
// asked and applied some changes later. When all is read, the list is the server's.
test('any schedule ends with the server\'s list', () => {
  for (let seed = 1; seed <= 300; seed++) readWhileItChanges(seed)
})

function readWhileItChanges(seed: number): void {
  const random = generator(seed)
  const server = new Map(Array.from({ length: 40 }, (_, i) => [`s${i}`, session(`s${i}`, 100 + i)]))
  const sessions = new Sessions()
  let clock = 1000
  const change = (): void => {
    const id = `s${random(45)}`
    const held = server.get(id)
    if (random(4) === 0) {
      server.delete(id)
      sessions.remove(`p2p|${id}`)
      return
    }
    const ext = random(2) ? '{"pinned":true}' : `${clock++}`
    const changed = held && random(3) === 0 ? session(id, held.updateTime, ext) : session(id, clock++, held?.ext)
    server.set(id, changed)
    sessions.put(changed)
  }
  let from = 0
  do {
    const moment = sessions.moment()
    const older = newestFirst(server).filter(({ updateTime }) => from === 0 || updateTime <= from)
    const page = older.slice(0, 1 + random(9))
    const next = older.length > page.length ? page[page.length - 1]!.updateTime - 1 : 0
    for (let n = random(6); n > 0; n--) change()
    sessions.putPage({ sessions: page, from, next }, moment)
    for (let n = random(3); n > 0; n--) change()
    from = next
  } while (from !== 0)
  const pinned = newestFirst(server).filter(({ ext }) => ext === '{"pinned":true}')
  const others = newestFirst(server).filter(({ ext }) => ext !== '{"pinned":true}')
  assert.deepEqual(sessions.entries.map((entry) => entry.session), [...pinned, ...others], `seed ${seed}`)
}

function newestFirst(server: Map<string, RecentSession>): RecentSession[] {
  return [...server.values()].sort((a, b) => b.updateTime - a.updateTime)
}

/** Whole numbers below n from a seed (mulberry32). */
function generator(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}
