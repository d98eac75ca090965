import type { RecentSession } from './api.js'

/**
 * The sessions that the core gave by names (replica's page.go), decoded once. An app may change what it got, so each list
 * gets copies of them: that takes a tenth of decoding their text again. The core bounds how many there are.
 */
export class Kept {
  readonly #sessions = new Map<number, Original>()

  /** Keeps sessions under the name `first` and the numbers after it. */
  add(first: number, sessions: readonly RecentSession[]): void {
    sessions.forEach((session, i) => this.#sessions.set(first + i, new Original(session)))
  }

  clear(): void {
    this.#sessions.clear()
  }

  /** Puts a copy of the session in the place of each name in the list. */
  putIn(list: (number | RecentSession)[]): void {
    for (let i = 0; i < list.length; i++) {
      const name = list[i]!
      if (typeof name === 'number') list[i] = this.#sessions.get(name)!.copy() as RecentSession
    }
  }
}

/** An object or array of JSON that is never given away, and which of its members are such as well. */
class Original {
  readonly #value: object
  readonly #inner: [name: string, original: Original][] = []

  constructor(value: object) {
    this.#value = value
    for (const [name, member] of Object.entries(value)) {
      if (typeof member === 'object' && member !== null) this.#inner.push([name, new Original(member)])
    }
  }

  /** A copy that shares nothing with it: an app sees no other's changes. */
  copy(): object {
    const copy: object = Array.isArray(this.#value) ? [...this.#value] : { ...this.#value }
    // A member named __proto__ is one by now, so that this sets it, and not the prototype.
    for (const [name, original] of this.#inner) (copy as Record<string, object>)[name] = original.copy()
    return copy
  }
}
