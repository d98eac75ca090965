import type { RecentSession, SessionKey } from 'recents'
import { isPinned } from './ext'

/** One session in the list, and what the list orders it by. */
export interface Entry {
  readonly key: string
  readonly session: RecentSession
  readonly pinned: boolean
  /** Which change brought it: see {@link Sessions.moment}. */
  readonly moment: number
}

/** A page as a query gives it. */
export interface Page {
  sessions: readonly RecentSession[]
  /** The `maxTimestamp` that was asked for, 0 for the newest page. */
  from: number
  /** The `maxTimestamp` of the next page, 0 when this is the last. */
  next: number
}

const prefixes = { p2p: 'p2p', team: 'team', superTeam: 'super_team' } as const

/** The session key, `p2p|bob`, as one string. */
export function keyOf(session: SessionKey): string {
  return `${prefixes[session.sessionType]}|${session.sessionId}`
}

/**
 * The sessions that the page holds: pinned ones first, then newest first. Pages come in at the oldest end,
 * events anywhere, in any order: a page that was asked before an event and is answered after it must not undo
 * it. So a query takes a {@link moment} first, and its answer overwrites nothing that changed since.
 */
export class Sessions {
  readonly #byKey = new Map<string, Entry>()
  readonly #removed = new Map<string, number>()
  /** What events brought for pages that were not read yet: it has no place in the list until they are. */
  readonly #beyond = new Map<string, Entry>()
  readonly #order: Entry[] = []
  #moment = 0
  #version = 0
  #reach = Infinity

  /** All of them, in the list's order. */
  get entries(): readonly Entry[] {
    return this.#order
  }

  /** Sessions newer than this, in ms, are all here: 0 when all are, Infinity when no page was read. */
  get reach(): number {
    return this.#reach
  }

  /** Rises with every change of {@link entries}. */
  get version(): number {
    return this.#version
  }

  /** The session of that key, when it is in the list. */
  get(key: string): Entry | undefined {
    return this.#byKey.get(key)
  }

  /** Now, to be handed back with the answer of a query that starts now. */
  moment(): number {
    return this.#moment
  }

  /**
   * Puts a session that an event brought. Returns its entry, or null when it belongs to a page that was not
   * read yet.
   */
  put(session: RecentSession): Entry | null {
    const entry = entryOf(session, ++this.#moment)
    this.#removed.delete(entry.key)
    return this.#place(entry)
  }

  /** Puts a session that a query of that moment gave, unless it changed since. Returns whether it did put it. */
  putRead(session: RecentSession, moment: number): boolean {
    const entry = entryOf(session, moment)
    if (this.#changed(entry.key) > moment) return false
    this.#place(entry)
    return true
  }

  /** Takes a session away. Returns whether it was in the list. */
  remove(key: string): boolean {
    this.#removed.set(key, ++this.#moment)
    this.#beyond.delete(key)
    return this.#take(key)
  }

  /**
   * Puts the answer of a query of that moment. Within its span of time a page is the whole truth: what it does
   * not name, and nothing has touched since, is gone.
   */
  putPage(page: Page, moment: number): void {
    const named = new Set(page.sessions.map(keyOf))
    const gone = [...this.#order, ...this.#beyond.values()].filter(({ key, session, moment: since }) => {
      return within(page, session.updateTime) && since <= moment && !named.has(key)
    })
    for (const { key } of gone) this.#forget(key)
    this.#reach = Math.min(this.#reach, page.next)
    for (const session of page.sessions) this.putRead(session, moment)
    for (const entry of [...this.#beyond.values()]) this.#place(entry)
  }

  /** Where the entry stands in {@link entries}; -1 when another has its place. */
  indexOf(entry: Entry): number {
    const at = placeOf(this.#order, entry)
    return this.#order[at] === entry ? at : -1
  }

  #changed(key: string): number {
    const held = this.#byKey.get(key) ?? this.#beyond.get(key)
    return Math.max(held?.moment ?? 0, this.#removed.get(key) ?? 0)
  }

  #place(entry: Entry): Entry | null {
    this.#forget(entry.key)
    if (!entry.pinned && entry.session.updateTime <= this.#reach && this.#reach > 0) {
      this.#beyond.set(entry.key, entry)
      return null
    }
    this.#byKey.set(entry.key, entry)
    this.#order.splice(placeOf(this.#order, entry), 0, entry)
    this.#version++
    return entry
  }

  #forget(key: string): void {
    this.#beyond.delete(key)
    this.#take(key)
  }

  #take(key: string): boolean {
    const entry = this.#byKey.get(key)
    if (!entry) return false
    this.#order.splice(placeOf(this.#order, entry), 1)
    this.#version++
    return this.#byKey.delete(key)
  }
}

/** The first place in an order that does not come before the entry's. */
export function placeOf(order: readonly Entry[], entry: Entry): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (comesBefore(order[middle]!, entry)) low = middle + 1
    else high = middle
  }
  return low
}

function entryOf(session: RecentSession, moment: number): Entry {
  return { key: keyOf(session), session, pinned: isPinned(session.ext), moment }
}

function within(page: Page, time: number): boolean {
  return time > page.next && (page.from === 0 || time <= page.from)
}

/** A strict order: update times of one account are all different, and the key settles what two clocks could leave. */
function comesBefore(a: Entry, b: Entry): boolean {
  if (a.pinned !== b.pinned) return a.pinned
  if (a.session.updateTime !== b.session.updateTime) return a.session.updateTime > b.session.updateTime
  return a.key < b.key
}
