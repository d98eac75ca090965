import type { MessageService, NIMResult, RecentSession, SessionKey } from 'recents'
import { keyOf } from './sessions'

/** How long a deletion can be undone, ms. */
export const grace = 7000

/** What one call deletes at most. */
const mostKeys = 100

/** What becomes of deletions. */
export interface DeletionEvents {
  /** A session is to be left out, or is back. */
  hidden(key: string, on: boolean): void
  /** So many can be undone now; 0 when none can any more. */
  changed(waiting: number): void
  /** The client took the call, now or as a write that waits for the network. */
  deleted(key: string): void
  refused(result: NIMResult<unknown>): void
}

/** Where deletions are written down that a reload must not forget: sessionStorage, or what a test has for it. */
export type Notebook = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/**
 * Deletes with a time to think again. The service has no undo: a session made again would have lost its message.
 * So nothing is called until the grace is over; then all that was deleted meanwhile goes in one call, which offline is
 * queued like any other write. A message that arrives before brings its session back, as one on the server would.
 */
export class Deletions {
  readonly #waiting = new Map<string, SessionKey & { updateTime: number }>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    readonly service: Pick<MessageService, 'deleteMySession' | 'queryMySession'>,
    readonly notebook: Notebook,
    /** The notebook's page: one an account. */
    readonly page: string,
    readonly events: DeletionEvents,
  ) {}

  /** Deletes a session, together with those that can still be undone. */
  add(session: RecentSession): void {
    if (this.#waiting.size === mostKeys) void this.commit()
    const { sessionId, sessionType, updateTime } = session
    this.#waiting.set(keyOf(session), { sessionId, sessionType, updateTime })
    this.events.hidden(keyOf(session), true)
    this.#changed()
    this.resume()
  }

  /** Brings all back that can be undone. Returns their keys. */
  undo(): string[] {
    const keys = [...this.#waiting.keys()]
    this.#drop(keys)
    return keys
  }

  /** A message brings its session back. */
  arrived(session: RecentSession): void {
    const waiting = this.#waiting.get(keyOf(session))
    if (waiting && session.updateTime > waiting.updateTime) this.#drop([keyOf(session)])
  }

  /** Stops the clock, while a person looks at the way back. */
  pause(): void {
    clearTimeout(this.#timer)
  }

  /** Starts the clock from the beginning. */
  resume(): void {
    clearTimeout(this.#timer)
    if (this.#waiting.size > 0) this.#timer = setTimeout(() => void this.commit(), grace)
  }

  /** Deletes for good what waits. */
  async commit(): Promise<void> {
    const batch = [...this.#waiting]
    if (batch.length === 0) return
    this.#waiting.clear()
    clearTimeout(this.#timer)
    this.events.changed(0)
    const result = await this.service.deleteMySession(batch.map(([, { sessionId, sessionType }]) => ({ sessionId, sessionType })))
    this.#write() // not before: a reload while the call is under way has to make it again
    for (const [key] of batch) {
      if (result.isSuccess) this.events.deleted(key)
      if (!this.#waiting.has(key)) this.events.hidden(key, false)
    }
    if (!result.isSuccess) this.events.refused(result)
  }

  /** Deletes what a page of before this one was left with, unless a message came since. */
  async recover(): Promise<void> {
    for (const { updateTime, ...key } of this.#read()) {
      const { data } = await this.service.queryMySession(key.sessionId, key.sessionType)
      if (!data || data.updateTime > updateTime) continue
      const result = await this.service.deleteMySession([key])
      if (result.isSuccess) this.events.deleted(keyOf(key))
    }
    this.#write()
  }

  #drop(keys: string[]): void {
    for (const key of keys) {
      this.#waiting.delete(key)
      this.events.hidden(key, false)
    }
    if (this.#waiting.size === 0) clearTimeout(this.#timer)
    this.#changed()
  }

  #changed(): void {
    this.#write()
    this.events.changed(this.#waiting.size)
  }

  #write(): void {
    if (this.#waiting.size === 0) this.notebook.removeItem(this.page)
    else this.notebook.setItem(this.page, JSON.stringify([...this.#waiting.values()]))
  }

  #read(): (SessionKey & { updateTime: number })[] {
    try {
      const kept: unknown = JSON.parse(this.notebook.getItem(this.page) ?? '[]')
      return Array.isArray(kept) ? kept : []
    } catch {
      return [] // not ours: the notebook is the whole origin's
    }
  }
}
