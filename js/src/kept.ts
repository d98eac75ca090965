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
      if (typeof name === 'number') list[i] = copyOf(this.#named(name))
    }
  }

  #named(name: number): RecentSession {
    const session = this.#sessions.get(name)
    if (!session) throw new Error(`session ${name} is named, and not kept`)
    return session
  }
}

/** A tree of JSON that shares nothing with this one. (structuredClone takes longer than decoding its text.) */
function copyOf<T extends object>(tree: T): T {
  const copy = (Array.isArray(tree) ? [...tree] : { ...tree }) as Record<string, unknown>
  for (const name in copy) {
    const member = copy[name]
    // One named __proto__ is an own member by now, so that this sets it, and not the prototype.
    if (typeof member === 'object' && member !== null) copy[name] = copyOf(member)
  }
  return copy as T
}
