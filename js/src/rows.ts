import type { RecentSession, SessionKey, SessionType } from './api.js'

/** No sessions. */
export const none: readonly RecentSession[] = Object.freeze([])

/** Sessions by key and in order, newest first. */
export class Rows {
  readonly #byKey = new Map<string, RecentSession>()
  #order: RecentSession[] = []
  #list: readonly RecentSession[] | undefined = none

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

const prefixes: Record<SessionType, string> = { p2p: 'p2p', team: 'team', superTeam: 'super_team' }

/** The session key, `p2p|bob`, as one string. */
export function keyOf({ sessionType, sessionId }: SessionKey): string {
  return `${prefixes[sessionType]}|${sessionId}`
}

/** Whether two states of a session look the same: what else it has follows from these. */
export function isSame(a: RecentSession, b: RecentSession): boolean {
  return a.updateTime === b.updateTime && a.ext === b.ext && a.lastMsg === b.lastMsg && a.lastMsgType === b.lastMsgType
    && JSON.stringify(a.revokeNotification) === JSON.stringify(b.revokeNotification)
}
