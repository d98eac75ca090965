import type { CallOptions, Client, ClientStatus, ListOptions, NIMResult, RecentSession, RecentSessionList, SessionKey, SessionType } from './api.js'
import type { SessionListState, SessionState } from './react.api.js'
import { CodeNotFound, MaxPage } from './wire.gen.js'

/** What a {@link LiveList} shows before its first answer. */
export const noList: SessionListState = Object.freeze({
  sessions: [], hasMore: false, loading: true, error: null, fresh: false, complete: false, pending: false, source: 'cache',
})

/** What a {@link LiveSession} shows before its first answer. */
export const noSession: SessionState = Object.freeze({ session: null, loading: true, error: null, fresh: false, pending: false, source: 'cache' })

/** What a {@link Feed} is of. */
interface Source<S> {
  /** Asks the client for what is shown, when `again`, and for what else is due; until `signal` is aborted. */
  read(again: boolean, signal: AbortSignal): Promise<void>
  updated(session: RecentSession): void
  deleted(keys: SessionKey[]): void
  /** The client is closed: what is shown is no longer the server's state. */
  closed(): void
  /** What is to be shown; the same object when nothing changed. */
  state(): S
}

/** The time between the first subscriber's coming and the last one's going. */
interface Run {
  readonly gone: AbortController
  reading: boolean
  due: boolean
  again: boolean
}

/**
 * Follows the account while somebody subscribes. One read runs at a time; whatever makes its answer stale meanwhile
 * leads to one more. Subscribers are told once for all that happens in one task.
 *
 * Events tell what others change. What this client's own writes change is seen by `status.pending`, which counts them
 * up when they show and down when the server has them; and a new connection changes whose state an answer is.
 */
class Feed<S> {
  readonly #client: Client
  readonly #source: Source<S>
  readonly #listeners = new Set<() => void>()
  #shown: S
  #telling = false
  #run: Run | undefined
  #unhear = (): void => {}

  constructor(client: Client, source: Source<S>) {
    this.#client = client
    this.#source = source
    this.#shown = source.state()
  }

  readonly getSnapshot = (): S => this.#shown

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = (): void => listener() // so that one function subscribing twice is told twice
    this.#listeners.add(own)
    if (this.#listeners.size === 1) this.#start()
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#stop()
    }
  }

  /** Something may have changed. */
  changed(): void {
    if (this.#telling) return
    this.#telling = true
    queueMicrotask(() => {
      this.#telling = false
      const next = this.#source.state()
      if (next === this.#shown) return
      this.#shown = next
      for (const listener of [...this.#listeners]) listener()
    })
  }

  /** Reads, now or after the read that is under way; when `again`, what is shown as well. */
  read(again: boolean): void {
    const run = this.#run
    if (!run) return // whoever comes first reads everything
    run.due = true
    run.again ||= again
    if (!run.reading) void this.#work(run)
  }

  async #work(run: Run): Promise<void> {
    run.reading = true
    while (run.due && !run.gone.signal.aborted) {
      const { again } = run
      run.due = run.again = false
      await this.#source.read(again, run.gone.signal)
      this.changed()
    }
    run.reading = false
  }

  #start(): void {
    const { messageService, onStatus, status } = this.#client
    let known = status
    const heard = [
      messageService.onMySessionUpdate.listen((session) => this.#source.updated(session)),
      messageService.onMySessionDelete.listen((keys) => this.#source.deleted(keys)),
      onStatus.listen((status) => {
        const stale = makesStale(known, status)
        known = status
        if (status.connection === 'closed') this.#source.closed()
        else if (stale) this.read(true)
      }),
    ]
    this.#unhear = () => heard.forEach((each) => each.cancel())
    this.#run = { gone: new AbortController(), reading: false, due: false, again: false }
    this.read(true)
  }

  #stop(): void {
    this.#unhear()
    this.#run?.gone.abort()
    this.#run = undefined
  }
}

/**
 * Whether an answer of before may not be what it would be now. The first cursor is that of the first whole copy, whose
 * rows are no events.
 */
function makesStale(before: ClientStatus, now: ClientStatus): boolean {
  return before.connection !== now.connection || before.pending !== now.pending || (before.cursor === '' && now.cursor !== '')
}

/** What an answer says of itself. */
type Standing = Pick<SessionListState, 'fresh' | 'complete' | 'pending' | 'source'>

const best: Standing = { fresh: true, complete: true, pending: false, source: 'server' }

/** What answers together are. */
function both(a: Standing, b: Standing): Standing {
  return {
    fresh: a.fresh && b.fresh,
    complete: a.complete && b.complete,
    pending: a.pending || b.pending,
    source: a.source === 'server' ? b.source : 'cache',
  }
}

/** The newest sessions of an account, as far down as was asked. */
export class LiveList {
  readonly subscribe: (listener: () => void) => () => void
  readonly getSnapshot: () => SessionListState

  readonly #client: Client
  readonly #limit: number
  readonly #feed: Feed<SessionListState>
  readonly #rows = new Rows()
  readonly #told = new Map<string, RecentSession | undefined>() // by events, since the open question was asked
  #reach = Infinity // sessions newer than this, ms, are all here; 0 when all are, Infinity before the first answer
  #below = false // the page below is asked for
  #state = noList

  /** `limit`: sessions a page, 1 to 100. */
  constructor(client: Client, limit: number = MaxPage) {
    this.#client = client
    this.#limit = limit
    this.#feed = new Feed<SessionListState>(client, {
      read: (again, signal) => this.#read(again, signal),
      updated: (session) => this.#change(keyOf(session), session),
      deleted: (keys) => keys.forEach((key) => this.#change(keyOf(key), undefined)),
      closed: () => this.#tell({ fresh: false }),
      state: () => this.#current(),
    })
    this.subscribe = this.#feed.subscribe
    this.getSnapshot = this.#feed.getSnapshot
  }

  /** Asks for the page below, or again for what failed. */
  readonly loadMore = (): void => {
    const { loading, hasMore, error } = this.#state
    if (loading || (!hasMore && !error)) return
    this.#below = hasMore && this.#reach !== Infinity
    this.#tell({ loading: true })
    this.#feed.read(error !== null || !this.#below)
  }

  async #read(again: boolean, signal: AbortSignal): Promise<void> {
    let going = !again || (await this.#readShown(signal))
    while (going && (this.#below || this.#isShort())) {
      this.#below = false
      going = await this.#readBelow(signal)
    }
    if (!signal.aborted) this.#tell({ loading: false })
  }

  /** Deletes may leave less than a page, and nothing to scroll that would ask for more. */
  #isShort(): boolean {
    return this.#reach > 0 && this.#reach < Infinity && this.#rows.count < this.#limit
  }

  /** Asks for what is here, the first time for one page. Returns whether it leads on. */
  async #readShown(signal: AbortSignal): Promise<boolean> {
    const reach = this.#reach
    const floor = reach === Infinity ? 0 : reach
    let standing = best
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page: Page | undefined = await this.#readPage(from, floor, signal)
      if (!page) return false
      standing = both(standing, page.standing)
      if (page.next === undefined) this.#endHere()
      from = page.next !== undefined && page.next > reach ? page.next : undefined
    }
    this.#tell({ ...standing, error: null, hasMore: this.#reach !== 0 })
    return standing.complete // what is not to be had now is not to be asked for again at once
  }

  async #readBelow(signal: AbortSignal): Promise<boolean> {
    const page = await this.#readPage(this.#reach, 0, signal)
    if (!page) return false
    this.#tell({ ...both(this.#state, page.standing), error: null, hasMore: this.#reach !== 0 })
    return page.next !== undefined
  }

  /** More exists than can be had now: what is here is not all, whatever was known before. */
  #endHere(): void {
    if (this.#reach === 0) this.#reach = this.#rows.oldest - 1
  }

  /**
   * Asks for one page of sessions newer than `floor`, from the time `from` down (0: from the newest). Within its span
   * of time it is the whole truth, but for what events told meanwhile. Undefined when there is no answer.
   */
  async #readPage(from: number, floor: number, signal: AbortSignal): Promise<Page | undefined> {
    this.#told.clear()
    const query: ListOptions = { minTimestamp: floor && floor + 1, maxTimestamp: from, limit: this.#limit, signal }
    const result = await this.#client.messageService.queryMySessionList(query)
    if (signal.aborted) return undefined
    if (!result.isSuccess || !result.data) {
      this.#tell({ error: failureOf(result) })
      return undefined
    }
    const { sessionList } = result.data
    const next = nextOf(result.data, from)
    const low = Math.max(next ?? sessionList.at(-1)?.updateTime ?? Infinity, floor)
    this.#reach = Math.min(this.#reach, low)
    this.#rows.replace(sessionList, low, from || Infinity)
    for (const [key, session] of this.#told) this.#place(key, session)
    return { next, standing: result }
  }

  #change(key: string, session: RecentSession | undefined): void {
    this.#told.set(key, session)
    this.#place(key, session)
    this.#feed.changed()
    if (!session && this.#isShort()) this.#feed.read(false)
  }

  /** Shows a session, unless it is gone or belongs to a page that was not read yet. */
  #place(key: string, session: RecentSession | undefined): void {
    const reach = this.#reach === Infinity ? 0 : this.#reach
    if (session && session.updateTime > reach) this.#rows.put(key, session)
    else this.#rows.remove(key)
  }

  #tell(change: Partial<SessionListState>): void {
    this.#state = changed(this.#state, change)
    this.#feed.changed()
  }

  #current(): SessionListState {
    return (this.#state = changed(this.#state, { sessions: this.#rows.list }))
  }
}

/** A page that was read: where the next one begins, 0 when it is the last, undefined when more exists and cannot be had. */
interface Page {
  next: number | undefined
  standing: Standing
}

function nextOf({ hasMore, sessionList, nextMaxTimestamp }: RecentSessionList, from: number): number | undefined {
  if (!hasMore) return 0
  const last = sessionList.at(-1)
  const next = nextMaxTimestamp || (last ? last.updateTime - 1 : 0)
  return next > 0 && (from === 0 || next < from) ? next : undefined // a page that does not go down leads nowhere
}

/** Sessions by key and in order, newest first. */
class Rows {
  readonly #byKey = new Map<string, RecentSession>()
  #order: RecentSession[] = []
  #list: readonly RecentSession[] | undefined = noList.sessions

  get count(): number {
    return this.#order.length
  }

  /** The update time of the oldest, ms; Infinity when there is none. */
  get oldest(): number {
    return this.#order.at(-1)?.updateTime ?? Infinity
  }

  /** All, as an array of its own, which is the same one until something changes. */
  get list(): readonly RecentSession[] {
    return (this.#list ??= [...this.#order])
  }

  put(key: string, session: RecentSession): void {
    const held = this.#byKey.get(key)
    if (held && isSame(held, session)) return
    this.remove(key)
    this.#byKey.set(key, session)
    this.#order.splice(this.#placeOf(session.updateTime), 0, session)
    this.#list = undefined
  }

  remove(key: string): void {
    const held = this.#byKey.get(key)
    if (!held) return
    this.#byKey.delete(key)
    this.#order.splice(this.#order.indexOf(held, this.#placeOf(held.updateTime)), 1)
    this.#list = undefined
  }

  /** Puts what is there between two times, `low` not included: what is not in the page is gone. */
  replace(page: readonly RecentSession[], low: number, high: number): void {
    const named = new Map(page.map((session) => [keyOf(session), session]))
    for (const [key, { updateTime }] of [...this.#byKey]) {
      if (updateTime > low && updateTime <= high && !named.has(key)) this.remove(key)
    }
    for (const [key, session] of named) this.put(key, session)
  }

  /** The first place that is not newer. */
  #placeOf(time: number): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#order[middle]!.updateTime > time) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** One session of an account. */
export class LiveSession {
  readonly subscribe: (listener: () => void) => () => void
  readonly getSnapshot: () => SessionState

  readonly #client: Client
  readonly #key: SessionKey | string
  readonly #feed: Feed<SessionState>
  #touched = false // an event told of it since the open question was asked
  #state = noSession

  constructor(client: Client, key: SessionKey | string) {
    this.#client = client
    this.#key = key
    const own = typeof key === 'string' ? key : keyOf(key)
    this.#feed = new Feed<SessionState>(client, {
      read: (_again, signal) => this.#read(signal),
      updated: (session) => keyOf(session) === own && this.#change(session),
      deleted: (keys) => keys.some((key) => keyOf(key) === own) && this.#change(null),
      closed: () => this.#tell({ fresh: false }),
      state: () => this.#state,
    })
    this.subscribe = this.#feed.subscribe
    this.getSnapshot = this.#feed.getSnapshot
  }

  async #read(signal: AbortSignal): Promise<void> {
    this.#touched = false
    const result = await this.#ask({ signal })
    if (signal.aborted) return
    const { isSuccess, code, data, fresh, pending, source } = result
    if (!isSuccess && code !== CodeNotFound) return this.#tell({ loading: false, error: failureOf(result) })
    const session = this.#touched ? this.#state.session : data
    const { session: held } = this.#state
    this.#tell({ session: held && session && isSame(held, session) ? held : session, loading: false, error: null, fresh, pending, source })
  }

  #ask(options: CallOptions): Promise<NIMResult<RecentSession>> {
    const { messageService } = this.#client
    if (typeof this.#key === 'string') return messageService.queryMySession(this.#key, undefined, options)
    return messageService.queryMySession(this.#key.sessionId, this.#key.sessionType, options)
  }

  #change(session: RecentSession | null): void {
    this.#touched = true
    this.#tell({ session })
  }

  #tell(change: Partial<SessionState>): void {
    this.#state = changed(this.#state, change)
    this.#feed.changed()
  }
}

const prefixes: Record<SessionType, string> = { p2p: 'p2p', team: 'team', superTeam: 'super_team' }

/** The session key, `p2p|bob`, as one string. */
function keyOf({ sessionType, sessionId }: SessionKey): string {
  return `${prefixes[sessionType]}|${sessionId}`
}

/** Whether two states of a session look the same: what else it has follows from these. */
function isSame(a: RecentSession, b: RecentSession): boolean {
  return a.updateTime === b.updateTime && a.ext === b.ext && a.lastMsg === b.lastMsg && a.lastMsgType === b.lastMsgType
    && JSON.stringify(a.revokeNotification) === JSON.stringify(b.revokeNotification)
}

function failureOf({ code, errorDetails }: NIMResult<unknown>): { code: number; errorDetails: string } {
  return { code, errorDetails }
}

/** The state with the members of `change`; the very same when it has them already. */
function changed<S extends object>(state: S, change: Partial<S>): S {
  const known = Object.entries(change).every(([name, value]) => state[name as keyof S] === value)
  return known ? state : { ...state, ...change }
}
