import type { RecentSession } from 'recents'
import type { Names } from './names'
import { previewOf } from './preview'

/** How many folded names are remembered before all are forgotten. */
const mostNames = 20_000

/**
 * Finds sessions by name, id and last message. The texts are folded once a session, when its page is read, so that
 * a keystroke is a walk over strings: 10,000 of them take about a millisecond.
 */
export class Finder {
  readonly #texts = new WeakMap<RecentSession, string>()
  readonly #titles = new Map<string, string>()

  constructor(
    readonly me: string,
    readonly names: Names,
  ) {}

  /** Folds a session's text ahead of the first search. */
  prepare(session: RecentSession): void {
    this.#textOf(session)
  }

  /** Whether each of the words is in the session's name, id or last message. */
  matches(session: RecentSession, words: readonly string[]): boolean {
    const text = this.#textOf(session)
    const title = this.#folded(this.names.titleOf(session)) // not part of the text: names are learned later than messages
    return words.every((word) => text.includes(word) || title.includes(word))
  }

  #textOf(session: RecentSession): string {
    let text = this.#texts.get(session)
    if (text === undefined) {
      text = fold(`${session.sessionId}\n${previewOf(session, this.me, this.names).text}`)
      this.#texts.set(session, text)
    }
    return text
  }

  #folded(title: string): string {
    let folded = this.#titles.get(title)
    if (folded === undefined) {
      if (this.#titles.size >= mostNames) this.#titles.clear()
      folded = fold(title)
      this.#titles.set(title, folded)
    }
    return folded
  }
}

/** The words that are looked for. */
export function wordsOf(query: string): string[] {
  return fold(query).split(/\s+/u).filter(Boolean)
}

/** A text without case, width and the accents of Latin letters: "Jose" finds "José". Marks of other scripts are letters. */
export function fold(text: string): string {
  return text.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').toLowerCase()
}
