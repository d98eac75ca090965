import { el } from './dom'
import { icon } from './icons'

export interface SearchEvents {
  /** The text changed; `''` ends the search. */
  search(query: string): void
  /** The person goes on to what was found. */
  down(): void
  /** Escape was pressed on an empty field. */
  leave(): void
}

/** The search field. `/` brings one there from anywhere but another field. */
export class Search {
  readonly node: HTMLElement
  readonly #field = el('input', {
    type: 'search', id: 'search', 'data-testid': 'search', placeholder: 'Search', autocomplete: 'off', autocapitalize: 'off',
    spellcheck: 'false', dir: 'auto', maxlength: '100', 'aria-keyshortcuts': '/', 'aria-label': 'Search chats',
  })

  constructor(readonly events: SearchEvents) {
    this.node = el('div', { class: 'search', role: 'search' }, icon('search'), this.#field, el('kbd', { 'aria-hidden': 'true' }, '/'))
    this.#field.addEventListener('input', () => events.search(this.#field.value))
    this.#field.addEventListener('keydown', (event) => this.#keydown(event))
    document.addEventListener('keydown', (event) => this.#summon(event))
  }

  /** What is looked for, as it was typed. */
  get query(): string {
    return this.#field.value.trim()
  }

  /** Puts the focus there. */
  focus(): void {
    this.#field.focus()
  }

  /** Ends the search and leaves the field ready for another. */
  clear(): void {
    this.#field.value = ''
    this.#field.focus()
    this.events.search('')
  }

  #keydown(event: KeyboardEvent): void {
    if (event.isComposing) return
    if (event.key === 'Escape' && this.#field.value) this.clear()
    else if (event.key === 'Escape') this.events.leave()
    else if (event.key === 'ArrowDown' || event.key === 'Enter') this.events.down()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  #summon(event: KeyboardEvent): void {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return
    event.preventDefault()
    this.#field.focus()
    this.#field.select()
  }
}

/** Whether keys pressed there are text. */
export function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('input:not([type=checkbox]), textarea, select, [contenteditable]')
}
