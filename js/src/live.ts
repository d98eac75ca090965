import type { CallOptions, Client, ListOptions, NIMResult, RecentSession, RecentSessionList, SessionKey } from './api.js'
import { Feed } from './feed.js'
import type { SessionListState, SessionState } from './react.api.js'
import { isSame, keyOf, none, Rows } from './rows.js'
import { CodeNotFound, MaxPage } from './wire.gen.js'

/** What a {@link LiveList} shows before its first answer. */
export const noList: SessionListState = Object.freeze({
  sessions: none, hasMore: false, loading: true, error: null, fresh: false, complete: false, pending: false, source: 'cache',
})

/** What a {@link LiveSession} shows before its first answer. */
export const noSession: SessionState = Object.freeze({ session: null, loading: true, error: null, fresh: false, pending: false, source: 'cache' })

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

function failureOf({ code, errorDetails }: NIMResult<unknown>): { code: number; errorDetails: string } {
  return { code, errorDetails }
}

/** The state with the members of `change`; the very same when it has them already. */
function changed<S extends object>(state: S, change: Partial<S>): S {
  const known = Object.entries(change).every(([name, value]) => state[name as keyof S] === value)
  return known ? state : { ...state, ...change }
}
