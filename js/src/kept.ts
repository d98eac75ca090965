import type { RecentSession } from './api.js'

/**
 * The sessions that the core gave by names (replica's page.go), decoded once. An app may change what it got, so each list
 * gets copies of them: that takes a tenth of decoding their text again. The core bounds how many there are.
 */
export class Kept {
  readonly #sessions = new Map<number, RecentSession>()

  /** Keeps sessions under the name `first` and the numbers after it. */
  add(first: number, sessions: readonly RecentSession[]): void {
    sessions.forEach((session, i) => this.#sessions.set(first + i, session))
  }

  clear(): void {
    this.#sessions.clear()
  }

  /** Puts a copy of the session in the place of each name in the list. */
  putIn(list: (number | RecentSession)[]): void {
    for (let i = 0; i < list.length; i++) {
      const name = list[i]!
      if (typeof name === 'number') list[i] = sessionLike(this.#named(name))
    }
  }

  #named(name: number): RecentSession {
    const session = this.#sessions.get(name)
    if (!session) throw new Error(`session ${name} is named, and not kept`)
    return session
  }
}

/** A session that shares nothing with this one. Only two of its members are trees: looking for them would take thrice as long. */
function sessionLike(session: RecentSession): RecentSession {
  const copy = { ...session }
  copy.recentSession = copyOf(session.recentSession)
  if (session.revokeNotification) copy.revokeNotification = copyOf(session.revokeNotification)
  return copy
}

/** A value of JSON that shares nothing with this one. (structuredClone takes longer than decoding its text.) */
function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
  for (const name in copy) {
    const member = copy[name]
    // One named __proto__ is an own member by now, so that this sets it, and not the prototype.
    if (typeof member === 'object') copy[name] = copyOf(member)
  }
  return copy as T
}
