import type { MessageService, NIMResult, RecentSession, RecentSessionList } from 'recents'
import type { Page, Sessions } from './sessions'

/** Sessions a page. A page is read, learned from and drawn in one task: a larger one would hold a slow device too long. */
const pageSize = 50

/** What became of the reading. */
export interface ReaderEvents {
  /** A page was read and is in the sessions. */
  read(result: NIMResult<RecentSessionList>, sessions: readonly RecentSession[]): void
  /** A page could not be read. */
  failed(result: NIMResult<unknown>): void
  /** Nothing is being read now. `stuck`: what comes next is not to be had. */
  rested(stuck: boolean): void
}

/**
 * Reads the pages of the list into the sessions, one after the other, each asked from where the one before ended.
 * Below what is looked at it reads on by itself, in idle moments, as long as the answers come out of the copy in
 * this browser and so cost the server nothing: search, pins and the scroll bar then speak of the whole list.
 */
export class Reader {
  #reading: Promise<unknown> = Promise.resolve()
  #turn = 0
  /** What was read before has to be read again: a later turn takes over what an earlier one had not done. */
  #deep = false
  #stuck = false
  #local = false

  constructor(
    readonly service: Pick<MessageService, 'queryMySessionList'>,
    readonly sessions: Sessions,
    readonly events: ReaderEvents,
  ) {}

  /** Reads the newest page again, with `deep` all that was read before, and on below that. */
  refresh(deep: boolean): void {
    const turn = ++this.#turn
    this.#deep ||= deep
    this.#queue(async () => {
      const reached = this.sessions.reach === Infinity ? Number.MAX_SAFE_INTEGER : this.sessions.reach
      let next = await this.#readPage(0)
      while (this.#deep && next !== null && next > reached && turn === this.#turn) next = await this.#after(next)
      if (turn === this.#turn) this.#deep = false
      await this.#readOn(turn)
    })
  }

  /** Reads the page below the oldest one here, and on below that. */
  more(): void {
    if (this.sessions.reach === 0) return
    this.#queue(async () => {
      await this.#readPage(this.sessions.reach)
      await this.#readOn(this.#turn)
    })
  }

  async #readOn(turn: number): Promise<void> {
    while (this.#local && !this.#stuck && this.sessions.reach !== 0 && turn === this.#turn) await this.#after(this.sessions.reach)
  }

  #queue(read: () => Promise<void>): void {
    const mine = this.#reading.then(read).then(() => {
      if (this.#reading === mine) this.events.rested(this.#stuck)
    })
    this.#reading = mine
  }

  async #after(maxTimestamp: number): Promise<number | null> {
    await idle()
    return this.#readPage(maxTimestamp)
  }

  /** Reads one page. Returns where the next one starts, 0 when that was the last; null when it failed or leads nowhere. */
  async #readPage(maxTimestamp: number): Promise<number | null> {
    const from = Number.isFinite(maxTimestamp) ? maxTimestamp : 0
    const moment = this.sessions.moment()
    const result = await this.service.queryMySessionList({ maxTimestamp: from, limit: pageSize })
    const page = result.isSuccess && result.data ? pageOf(result.data, from) : null
    this.#stuck = page === null
    this.#local = result.source === 'cache'
    if (page) this.sessions.putPage(page, moment)
    if (result.isSuccess) this.events.read(result, page?.sessions ?? [])
    else this.events.failed(result)
    return page && page.next
  }
}

/** The page of an answer; null when it leads nowhere: more exists, but not in this browser. */
function pageOf(data: RecentSessionList, from: number): Page | null {
  const { sessionList, hasMore, nextMaxTimestamp } = data
  if (!hasMore) return { sessions: sessionList, from, next: 0 }
  if (sessionList.length === 0) return null
  const next = nextMaxTimestamp || sessionList[sessionList.length - 1]!.updateTime - 1
  return { sessions: sessionList, from, next }
}

/** The next moment at which the page has nothing better to do. */
function idle(): Promise<unknown> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in window) requestIdleCallback(resolve, { timeout: 1000 })
    else setTimeout(resolve, 16) // Safari
  })
}
