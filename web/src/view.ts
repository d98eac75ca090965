import { wordsOf, type Finder } from './finder'
import { placeOf, type Entry, type Sessions } from './sessions'

/** What the list shows of the sessions: all but those that are being deleted, or those of them that a search finds. */
export class View {
  readonly #hidden = new Set<string>()
  #words: readonly string[] = []
  /** What was filtered out of the sessions as they were at that version; null when nothing had to be. */
  #filtered: readonly Entry[] | null = null
  #version = -1

  constructor(
    readonly sessions: Sessions,
    readonly finder: Finder,
  ) {}

  /** The sessions to show, in the list's order. */
  get entries(): readonly Entry[] {
    this.#refresh()
    return this.#filtered ?? this.sessions.entries
  }

  /** Whether that is all there is: nothing older waits to be read. */
  get whole(): boolean {
    return this.sessions.reach === 0
  }

  /** Whether a search is on. */
  get searching(): boolean {
    return this.#words.length > 0
  }

  /** The session of that key, when it is shown. */
  get(key: string): Entry | undefined {
    const entry = this.sessions.get(key)
    return entry && this.#shows(entry) ? entry : undefined
  }

  /** Where a shown entry stands in {@link entries}; -1 when another has its place. */
  indexOf(entry: Entry): number {
    const { entries } = this
    const at = placeOf(entries, entry)
    return entries[at] === entry ? at : -1
  }

  /** Shows only what a text finds; `''` shows all. Returns whether that changes anything. */
  search(query: string): boolean {
    const words = wordsOf(query)
    if (words.join(' ') === this.#words.join(' ')) return false
    this.#words = words
    this.#version = -1
    return true
  }

  /** Leaves a session out, or no longer. */
  hide(key: string, on: boolean): void {
    if (on) this.#hidden.add(key)
    else this.#hidden.delete(key)
    this.#version = -1
  }

  #refresh(): void {
    const { version } = this.sessions
    if (version === this.#version) return
    this.#version = version
    const all = this.#words.length === 0 && this.#hidden.size === 0
    this.#filtered = all ? null : this.sessions.entries.filter((entry) => this.#shows(entry))
  }

  #shows({ key, session }: Entry): boolean {
    return !this.#hidden.has(key) && (this.#words.length === 0 || this.finder.matches(session, this.#words))
  }
}
