import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client, ClientStatus, ListOptions, NIMResult, RecentSession, RecentSessionList, SessionKey } from '../src/api.js'
import { LiveList, LiveSession } from '../src/live.js'
import { Broadcast } from '../src/stream.js'

/** Everything that is waiting has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function session(id: string, updateTime: number, ext?: string): RecentSession {
  return { sessionId: id, sessionType: 'p2p', updateTime, ...(ext === undefined ? {} : { ext }) } as RecentSession
}

type Answer = Partial<NIMResult<RecentSessionList>>

/**
 * An account that a test changes by hand: `rows` is what the client would find, `tell…` what it hears. With `held`, a
 * question waits until `release`, and is answered with what was true when it was asked.
 */
class Account {
  rows: RecentSession[] = []
  asked: ListOptions[] = []
  about: Answer = {}
  /** Below this time the cache holds nothing. */
  lowest = 0
  held = false
  readonly updates = new Broadcast<RecentSession>('updates', () => {})
  readonly deletes = new Broadcast<SessionKey[]>('deletes', () => {})
  readonly statuses = new Broadcast<ClientStatus>('statuses', () => {})
  #status: ClientStatus = { connection: 'live', storage: 'memory', leader: true, cached: 0, pending: 0, cursor: 'e.1', lastError: '' }
  #open: (() => void)[] = []
  readonly client: Client

  constructor(rows: RecentSession[] = []) {
    this.rows = rows
    const account = this
    this.client = {
      get status() { return account.#status },
      onStatus: this.statuses,
      messageService: {
        onMySessionUpdate: this.updates,
        onMySessionDelete: this.deletes,
        queryMySessionList: (options: ListOptions) => this.#answer(options),
        queryMySession: async (id: string) => {
          const data = this.rows.find(({ sessionId }) => sessionId === id || `p2p|${sessionId}` === id) ?? null
          await this.#wait()
          return { ...whole, ...(data ? {} : { code: 404, isSuccess: false, errorDetails: 'not found' }), data, ...this.about }
        },
      },
    } as unknown as Client
  }

  tellStatus(change: Partial<ClientStatus>): void {
    this.#status = { ...this.#status, ...change }
    this.statuses.emit(this.#status)
  }

  /** Another device changes a session, and this one hears of it. */
  put(...rows: RecentSession[]): void {
    for (const row of rows) {
      this.rows = [...this.rows.filter(({ sessionId }) => sessionId !== row.sessionId), row].sort((a, b) => b.updateTime - a.updateTime)
      this.updates.emit(row)
    }
  }

  /** Another device deletes sessions, and this one hears of it. */
  remove(...ids: string[]): void {
    this.rows = this.rows.filter(({ sessionId }) => !ids.includes(sessionId))
    this.deletes.emit(ids.map((sessionId) => ({ sessionId, sessionType: 'p2p' })))
  }

  release(): void {
    this.held = false
    for (const open of this.#open.splice(0)) open()
  }

  #wait(): Promise<void> {
    return this.held ? new Promise((resolve) => this.#open.push(resolve)) : Promise.resolve()
  }

  async #answer(options: ListOptions): Promise<NIMResult<RecentSessionList>> {
    this.asked.push(options)
    const { minTimestamp = 0, maxTimestamp, limit = 100 } = options
    const fitting = this.rows.filter(({ updateTime: t }) => t >= minTimestamp && t <= (maxTimestamp || Infinity))
    const cached = fitting.filter(({ updateTime }) => updateTime >= this.lowest)
    const sessionList = cached.slice(0, limit).map((row) => ({ ...row })) // an answer is never the same objects
    const hasMore = fitting.length > sessionList.length
    const complete = cached.length > limit || cached.length === fitting.length
    const nextMaxTimestamp = hasMore && sessionList.length > 0 ? sessionList.at(-1)!.updateTime - 1 : 0
    await this.#wait()
    return { ...whole, data: { sessionList, hasMore, nextMaxTimestamp }, complete, ...this.about } as NIMResult<RecentSessionList>
  }
}

const whole: NIMResult<null> = {
  code: 0, data: null, errorDetails: '', isSuccess: true, source: 'server', fresh: true, complete: true, asOf: 1, pending: false,
}

const ten = (): RecentSession[] => Array.from({ length: 10 }, (_, i) => session(`s${i}`, 100 - 10 * i))

/** A list of the account that somebody watches, after its first answer; `told` counts how often they were told. */
async function watched(account: Account, limit = 4): Promise<{ list: LiveList; told: () => number; stop: () => void }> {
  const list = new LiveList(account.client, limit)
  let told = 0
  const stop = list.subscribe(() => told++)
  await settled()
  return { list, told: () => told, stop }
}

function ids(list: LiveList): string {
  return list.getSnapshot().sessions.map(({ sessionId }) => sessionId).join(' ')
}

test('a list asks for nothing before somebody subscribes, and for nothing after they left', async () => {
  const account = new Account(ten())
  const list = new LiveList(account.client, 4)
  list.loadMore()
  await settled()
  assert.equal(account.asked.length, 0)
  assert.deepEqual(list.getSnapshot(), { sessions: [], hasMore: false, loading: true, error: null, fresh: false, complete: false, pending: false, source: 'cache' })
  const stop = list.subscribe(() => {})
  await settled()
  assert.equal(ids(list), 's0 s1 s2 s3')
  stop()
  const { length } = account.asked
  account.put(session('new', 200))
  account.tellStatus({ connection: 'offline' })
  await settled()
  assert.equal(account.asked.length, length)
  assert.equal(ids(list), 's0 s1 s2 s3')
})

test('one function that subscribes twice is told twice, and hears on when it left once', async () => {
  const account = new Account(ten())
  const list = new LiveList(account.client, 4)
  let told = 0
  const listener = (): void => void told++
  const [leave] = [list.subscribe(listener), list.subscribe(listener)] as const
  await settled()
  for (const times of [2, 1]) {
    told = 0
    account.put(session('new', 200 + 100 / times)) // one change, and so one telling
    await settled()
    assert.equal(told, times)
    leave()
  }
})

test('StrictMode: who leaves and comes back at once gets the list, and the first question is given up', async () => {
  const account = new Account(ten())
  const list = new LiveList(account.client, 4)
  list.subscribe(() => {})()
  const stop = list.subscribe(() => {})
  assert.deepEqual(account.asked.map(({ signal }) => signal?.aborted), [true, false])
  await settled()
  assert.equal(ids(list), 's0 s1 s2 s3')
  assert.equal(list.getSnapshot().error, null)
  stop()
})

test('pages come on demand, to the end', async () => {
  const account = new Account(ten())
  const { list } = await watched(account)
  assert.deepEqual({ ...list.getSnapshot(), sessions: 4 }, {
    sessions: 4, hasMore: true, loading: false, error: null, fresh: true, complete: true, pending: false, source: 'server',
  })
  list.loadMore()
  assert.equal(list.getSnapshot().loading, false, 'a snapshot is of before this task')
  await settled()
  list.loadMore()
  list.loadMore()
  await settled()
  assert.equal(ids(list), 's0 s1 s2 s3 s4 s5 s6 s7 s8 s9')
  assert.equal(list.getSnapshot().hasMore, false)
  const { length } = account.asked
  list.loadMore()
  await settled()
  assert.equal(account.asked.length, length)
})

test('loading shows while a page is on its way', async () => {
  const account = new Account(ten())
  const { list } = await watched(account)
  account.held = true
  list.loadMore()
  await settled()
  assert.equal(list.getSnapshot().loading, true)
  list.loadMore() // as a list does that is scrolled meanwhile
  account.release()
  await settled()
  assert.equal(list.getSnapshot().loading, false)
  assert.equal(ids(list), 's0 s1 s2 s3 s4 s5 s6 s7', 'one page')
})

test('events move, add and take away, in one telling, and leave what they do not touch the same', async () => {
  const account = new Account(ten())
  const { list, told } = await watched(account)
  const before = list.getSnapshot()
  const was = told()
  account.put(session('s3', 110), session('new', 120))
  account.remove('s1')
  assert.equal(list.getSnapshot(), before, 'a snapshot is immutable')
  await settled()
  assert.equal(ids(list), 'new s3 s0 s2')
  assert.equal(told(), was + 1)
  assert.equal(list.getSnapshot().sessions[2], before.sessions[0])
  account.put(session('s0', 100, 'pinned'))
  await settled()
  assert.equal(list.getSnapshot().sessions[2]!.ext, 'pinned')
})

test('a change far below is not shown before its page is', async () => {
  const account = new Account(ten())
  const { list, told } = await watched(account)
  const was = told()
  account.put(session('s9', 10, 'x'))
  await settled()
  assert.equal(ids(list), 's0 s1 s2 s3')
  assert.equal(told(), was)
})

test('what an event tells while a page is on its way is not undone by the page', async () => {
  const account = new Account(ten())
  const { list } = await watched(account)
  account.held = true
  list.loadMore()
  account.put(session('s5', 300), session('s4', 60, 'newer'))
  account.remove('s6')
  account.release()
  await settled()
  list.loadMore()
  await settled()
  assert.equal(ids(list), 's5 s0 s1 s2 s3 s4 s7 s8 s9')
  assert.equal(list.getSnapshot().sessions[5]!.ext, 'newer')
})

test('deletes that leave less than a page bring the next one', async () => {
  const account = new Account(ten())
  const { list } = await watched(account)
  account.remove('s0', 's1', 's2')
  await settled()
  assert.equal(ids(list), 's3 s4 s5 s6 s7')
})

test('a write of this client shows when it waits and again when it has landed, one question at a time', async () => {
  const account = new Account(ten())
  const { list } = await watched(account)
  account.rows = account.rows.map((row) => (row.sessionId === 's2' ? { ...row, ext: 'mine' } : row))
  account.about = { pending: true }
  account.tellStatus({ pending: 1 })
  await settled()
  assert.equal(list.getSnapshot().sessions[2]!.ext, 'mine')
  assert.equal(list.getSnapshot().pending, true)

  account.held = true
  account.about = {}
  const { length } = account.asked
  account.tellStatus({ pending: 2 })
  account.tellStatus({ pending: 1 })
  account.tellStatus({ pending: 0 })
  await settled()
  assert.equal(account.asked.length, length + 1)
  account.release()
  await settled()
  assert.equal(account.asked.length, length + 2)
  assert.equal(list.getSnapshot().pending, false)
})

test('asking again reaches as far as was loaded, finds what is gone there, and tells nobody when all is the same', async () => {
  const account = new Account(ten())
  const { list, told } = await watched(account)
  list.loadMore()
  await settled()
  const before = list.getSnapshot()
  const was = told()
  account.tellStatus({ connection: 'connecting' })
  await settled()
  assert.equal(list.getSnapshot(), before)
  assert.equal(told(), was)
  account.rows = account.rows.filter(({ sessionId }) => sessionId !== 's5')
  account.rows.unshift(session('new', 500))
  account.tellStatus({ connection: 'live' })
  await settled()
  assert.equal(ids(list), 'new s0 s1 s2 s3 s4 s6 s7')
})

test('asking again goes not a millisecond further down than was loaded', async () => {
  const account = new Account([session('a', 9), session('b', 8), session('c', 7), session('d', 6)])
  const { list } = await watched(account, 2)
  account.put(session('new', 10))
  account.tellStatus({ connection: 'connecting' })
  await settled()
  assert.equal(ids(list), 'new a b')
})

test('offline, what the cache lacks stays as it was, and the list says that it is not all', async () => {
  const account = new Account(ten())
  const { list } = await watched(account, 20)
  assert.equal(list.getSnapshot().hasMore, false)
  account.lowest = 55
  account.about = { source: 'cache', fresh: false }
  account.tellStatus({ connection: 'offline' })
  await settled()
  const { sessions, hasMore, complete, fresh, source } = list.getSnapshot()
  assert.deepEqual({ hasMore, complete, fresh, source, count: sessions.length }, { hasMore: true, complete: false, fresh: false, source: 'cache', count: 10 })
  const { length } = account.asked
  list.loadMore()
  await settled()
  assert.equal(account.asked.length, length + 1, 'one question, and no loop')
  account.lowest = 0
  account.about = {}
  account.tellStatus({ connection: 'live' })
  await settled()
  list.loadMore()
  await settled()
  assert.equal(list.getSnapshot().hasMore, false)
  assert.equal(list.getSnapshot().complete, true)
  assert.equal(list.getSnapshot().sessions.length, 10)
})

test('nothing cached and no network is an error, which the next answer clears', async () => {
  const account = new Account(ten())
  account.about = { code: 415, isSuccess: false, data: null, errorDetails: 'offline' }
  const { list } = await watched(account)
  assert.deepEqual(list.getSnapshot().error, { code: 415, errorDetails: 'offline' })
  assert.equal(list.getSnapshot().loading, false)
  account.about = {}
  list.loadMore()
  await settled()
  assert.equal(list.getSnapshot().error, null)
  assert.equal(ids(list), 's0 s1 s2 s3')
})

test('a failure keeps what is shown', async () => {
  const account = new Account(ten())
  const { list } = await watched(account)
  account.about = { code: 500, isSuccess: false, data: null, errorDetails: 'no' }
  account.tellStatus({ pending: 1 })
  await settled()
  assert.equal(ids(list), 's0 s1 s2 s3')
  assert.deepEqual(list.getSnapshot().error, { code: 500, errorDetails: 'no' })
})

test('A8 a server whose pages lead nowhere is asked no more than the app asks', async (t) => {
  const account = new Account(ten())
  account.about = { data: { sessionList: [], hasMore: true, nextMaxTimestamp: 0 } }
  const { list } = await watched(account)
  assert.equal(account.asked.length, 1)
  assert.equal(list.getSnapshot().hasMore, true)
  account.about = { data: { sessionList: [session('a', 50)], hasMore: true, nextMaxTimestamp: 60 } }
  list.loadMore()
  await settled()
  list.loadMore()
  await settled()
  assert.ok(account.asked.length <= 5, `${account.asked.length} questions`)
  t.diagnostic(`${account.asked.length} questions`)
})

test('a client that is closed leaves its list, as no longer fresh', async () => {
  const account = new Account(ten())
  const { list } = await watched(account)
  const { length } = account.asked
  account.tellStatus({ connection: 'closed' })
  await settled()
  assert.equal(ids(list), 's0 s1 s2 s3')
  assert.equal(list.getSnapshot().fresh, false)
  assert.equal(list.getSnapshot().error, null)
  assert.equal(account.asked.length, length)
})

test('the first whole copy, whose rows are no events, is asked for', async () => {
  const account = new Account()
  account.tellStatus({ connection: 'live', cursor: '' })
  const { list } = await watched(account)
  account.rows = ten()
  account.tellStatus({ cursor: 'e.9' })
  await settled()
  assert.equal(ids(list), 's0 s1 s2 s3 s4 s5 s6 s7 s8 s9')
})

test('a tab that follows another is fresh once it is in step, and is asked no more for cursors after that', async () => {
  const account = new Account(ten())
  account.about = { fresh: false, source: 'cache' }
  const { list } = await watched(account)
  account.about = { source: 'cache' }
  account.tellStatus({ cursor: 'e.2' })
  await settled()
  assert.equal(list.getSnapshot().fresh, true)
  const { length } = account.asked
  account.tellStatus({ cursor: 'e.3' })
  await settled()
  assert.equal(account.asked.length, length)
})

for (const key of ['p2p|s2', { sessionId: 's2', sessionType: 'p2p' as const }]) {
  test(`a session by ${JSON.stringify(key)} follows events, own writes and deletes`, async () => {
    const account = new Account(ten())
    const live = new LiveSession(account.client, key)
    let told = 0
    const stop = live.subscribe(() => told++)
    assert.equal(live.getSnapshot().loading, true)
    await settled()
    assert.equal(live.getSnapshot().session?.updateTime, 80)
    const before = live.getSnapshot()
    account.put(session('s1', 400))
    account.tellStatus({ connection: 'connecting' })
    await settled()
    assert.equal(live.getSnapshot(), before)
    assert.equal(told, 1)
    account.put(session('s2', 500))
    await settled()
    assert.equal(live.getSnapshot().session?.updateTime, 500)
    account.rows = account.rows.map((row) => (row.sessionId === 's2' ? { ...row, ext: 'mine' } : row))
    account.tellStatus({ pending: 1 })
    await settled()
    assert.equal(live.getSnapshot().session?.ext, 'mine')
    account.remove('s2')
    await settled()
    assert.deepEqual(live.getSnapshot(), { session: null, loading: false, error: null, fresh: true, pending: false, source: 'server' })
    stop()
  })
}

test('a session that does not exist is null, and no error; one that comes while it is asked for is not undone', async () => {
  const account = new Account()
  const live = new LiveSession(account.client, 'p2p|bob')
  account.held = true
  live.subscribe(() => {})
  account.put(session('bob', 1))
  account.release()
  await settled()
  assert.equal(live.getSnapshot().session?.sessionId, 'bob')
  const none = new LiveSession(account.client, 'p2p|nobody')
  none.subscribe(() => {})
  await settled()
  assert.deepEqual(none.getSnapshot(), { session: null, loading: false, error: null, fresh: true, pending: false, source: 'server' })
})

/** A sequence of numbers in [0, n) from a seed (mulberry32). */
function numbers(seed: number): (n: number) => number {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

/** One thing that happens to the account, or that somebody does. */
function step(account: Account, list: LiveList, roll: (n: number) => number, now: number): void {
  const any = (): RecentSession | undefined => account.rows[roll(account.rows.length || 1)]
  const row = any()
  switch (roll(9)) {
    case 0: case 1: return account.put(session(`new${now}`, now))
    case 2: return row && account.put({ ...row, updateTime: now })
    case 3: return row && account.put({ ...row, ext: String(now) })
    case 4: return row && account.remove(row.sessionId)
    case 5: return list.loadMore()
    case 6: // an own write: no event, and then a count
      account.rows = account.rows.map((each) => (each === row ? { ...each, ext: `own${now}` } : each))
      return account.tellStatus({ pending: roll(2) + account.client.status.pending + 1 })
    case 7: account.held = true; return
    default: return account.release()
  }
}

test('any schedule ends with the account\'s list, and shows no more and no less than its newest part on the way', async () => {
  for (let seed = 1; seed <= 400; seed++) {
    const roll = numbers(seed)
    const account = new Account(ten())
    const { list, stop } = await watched(account, 1 + roll(6))
    for (let i = 0; i < 60; i++) {
      step(account, list, roll, 1000 + i)
      if (roll(3) === 0) await settled()
    }
    account.release()
    await settled()
    const { sessions, hasMore } = list.getSnapshot()
    assert.deepEqual(sessions, account.rows.slice(0, sessions.length), `seed ${seed}`)
    assert.equal(hasMore || sessions.length === account.rows.length, true, `seed ${seed}: a false end`)
    for (let i = 0; i < 100 && list.getSnapshot().hasMore; i++) {
      list.loadMore()
      await settled()
    }
    assert.deepEqual(list.getSnapshot().sessions, account.rows, `seed ${seed}, whole`)
    stop()
  }
})
