import type { Client, ClientStatus } from 'recents'
import { isoTime, preciseTime } from './ages'
import { el, setText } from './dom'
import { icon } from './icons'
import type { Journal, Note } from './journal'
import { connections } from './summary'

/** The panel that shows what the client does, from the package's public names and the browser's own measures alone. */
export class Inspector {
  readonly node: HTMLElement
  readonly #facts = el('dl', { class: 'facts', 'data-testid': 'inspector-facts' })
  readonly #notes = el('ol', { class: 'notes', 'data-testid': 'inspector-events' })
  readonly #files = el('tbody')
  readonly #total = el('p', { class: 'inspector-note', 'data-testid': 'inspector-total' })
  readonly #values = new Map<string, HTMLElement>()
  readonly #close: HTMLButtonElement
  #due = false
  #longTasks: number | null = null

  constructor(
    readonly client: Client,
    readonly journal: Journal,
    close: () => void,
  ) {
    this.#close = el('button', { class: 'tool', type: 'button', title: 'Close the inspector', 'aria-label': 'Close the inspector', 'data-testid': 'inspector-close' }, icon('close'))
    this.#close.addEventListener('click', close)
    const head = el('header', { class: 'inspector-head' }, el('h2', {}, 'Inspector'), this.#close)
    const columns = ['File', 'KB', 'ms'].map((name) => el('th', { scope: 'col' }, name))
    const files = el('table', { class: 'files' }, el('thead', {}, el('tr', {}, ...columns)), this.#files)
    this.node = el(
      'aside',
      { class: 'inspector', id: 'inspector', 'aria-label': 'Inspector', 'data-testid': 'inspector', hidden: true },
      head,
      el('div', { class: 'inspector-body', tabindex: '0', role: 'group', 'aria-label': 'What the client does' }, el('h3', {}, 'Client'), this.#facts, el('h3', {}, 'Loaded'), this.#total, files, el('h3', {}, 'Answers and events'), this.#notes),
    )
    journal.listen(() => this.#soon())
    this.#watchTasks()
  }

  /** Whether it is to be seen. */
  get open(): boolean {
    return !this.node.hidden
  }

  /** Opens or closes it. */
  show(on: boolean): void {
    this.node.hidden = !on
    if (!on) return
    this.#draw()
    this.#close.focus()
  }

  /** Draws at the next frame, however much happens until then. */
  #soon(): void {
    if (this.#due || !this.open) return
    this.#due = true
    requestAnimationFrame(() => {
      this.#due = false
      this.#draw()
    })
  }

  #draw(): void {
    for (const [name, value] of this.#factsOf(this.client.status)) setText(this.#valueOf(name), value)
    this.#notes.replaceChildren(...this.journal.notes.map(noteNode))
    const files = loadedFiles()
    this.#files.replaceChildren(...files.map(({ name, bytes, ms }) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, kilobytes(bytes)), el('td', {}, ms.toFixed(0)))))
    setText(this.#total, `${kilobytes(files.reduce((sum, { bytes }) => sum + bytes, 0))} KB in ${files.length} files${firstList()}`)
  }

  #factsOf({ connection, leader, storage, cached, pending, cursor, lastError }: ClientStatus): [string, string][] {
    const facts: [string, string][] = [
      ['Connection', connections[connection]],
      ['Socket', leader ? 'this tab holds it' : connection === 'closed' ? 'none' : 'another tab may hold it'],
      ['Storage', storage === 'indexeddb' ? 'IndexedDB' : 'memory only'],
      ['Cache', `${cached.toLocaleString('en')} sessions`],
      ['Outbox', `${pending} waiting`],
      ['Cursor', cursor || 'none'],
      ['Last error', lastError || 'none'],
    ]
    if (this.#longTasks !== null) facts.push(['Tasks > 50 ms', `${this.#longTasks} since the page began`])
    return facts
  }

  #valueOf(name: string): HTMLElement {
    let value = this.#values.get(name)
    if (!value) {
      value = el('dd', {})
      this.#values.set(name, value)
      this.#facts.append(el('div', {}, el('dt', {}, name), value))
    }
    return value
  }

  #watchTasks(): void {
    if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return
    this.#longTasks = 0
    const observer = new PerformanceObserver((list) => {
      this.#longTasks! += list.getEntries().length
      this.#soon()
    })
    observer.observe({ type: 'longtask', buffered: true })
  }
}

function noteNode({ at, kind, text, ms, times }: Note): HTMLElement {
  const took = ms === undefined ? '' : `, ${ms.toFixed(1)} ms`
  const often = times > 1 ? ` (${times} times)` : ''
  return el('li', { 'data-kind': kind }, el('time', { datetime: isoTime(at) }, preciseTime(at)), el('b', {}, kind), el('span', { dir: 'auto' }, text + took + often))
}

/** The page's own files and the package's, as they came over the wire or out of a cache. */
function loadedFiles(): { name: string; bytes: number; ms: number }[] {
  const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')] as PerformanceResourceTiming[]
  return entries
    .map((entry) => ({ entry, path: new URL(entry.name).pathname }))
    .filter(({ path }) => path === '/' || /^\/(web|sdk)\//.test(path))
    .map(({ entry, path }) => ({ name: path, bytes: entry.encodedBodySize, ms: entry.responseEnd - entry.startTime }))
}

function firstList(): string {
  const [mark] = performance.getEntriesByName('first-list')
  return mark ? `; the first list after ${mark.startTime.toFixed(0)} ms` : ''
}

function kilobytes(bytes: number): string {
  return (bytes / 1024).toFixed(1)
}
