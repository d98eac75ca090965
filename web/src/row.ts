import { age, fullTime, isoTime } from './ages'
import { avatar } from './avatar'
import { el, setText } from './dom'
import { icon } from './icons'
import type { Names } from './names'
import { previewOf, type Preview } from './preview'
import type { Entry } from './sessions'

/** One row of the list: an option that has no controls of its own. */
export class Row {
  readonly node: HTMLElement
  #entry: Entry
  #index = -1
  #size = -1
  #place = 0
  #pulled = 0
  #light: Animation | null = null
  #face = el('span')
  readonly #name = el('bdi')
  #pin: HTMLElement | null = null
  readonly #time = el('time', { class: 'row-time', 'data-testid': 'row-time' })
  readonly #text = el('span', { class: 'row-text', 'data-testid': 'row-text' })

  constructor(entry: Entry, me: string, names: Names) {
    this.#entry = entry
    this.node = el(
      'div',
      { class: 'row', role: 'option', tabindex: '-1', 'aria-selected': 'false', 'data-testid': 'row', 'data-key': entry.key },
      this.#face,
      el('span', { class: 'row-name', 'data-testid': 'row-name' }, this.#name),
      this.#time,
      this.#text,
    )
    this.#draw(me, names)
  }

  get entry(): Entry {
    return this.#entry
  }

  /** Where it stands in the list. */
  get index(): number {
    return this.#index
  }

  /**
   * Puts it at an index of a list of that many (-1 when it is not known how many), in a box that begins at the index
   * `origin`: its style says only where in the box it is.
   */
  place(index: number, size: number, origin: number): void {
    if (index - origin !== this.#place || this.#index < 0) {
      this.#place = index - origin
      this.#move()
    }
    if (index === this.#index && size === this.#size) return
    this.#index = index
    this.#size = size
    this.node.setAttribute('aria-posinset', String(index + 1))
    this.node.setAttribute('aria-setsize', String(size))
  }

  /** Moves it sideways, as a finger does; 0 lets it go. */
  pull(pixels: number): void {
    this.#pulled = pixels
    this.node.classList.toggle('pulled', pixels !== 0)
    this.#move()
  }

  /** px */
  get width(): number {
    return this.node.offsetWidth
  }

  /** Makes it the list's tab stop, or not. */
  stop(on: boolean): void {
    this.node.tabIndex = on ? 0 : -1
  }

  /** Shows an entry of the same key. */
  show(entry: Entry, me: string, names: Names): void {
    if (entry === this.#entry) return
    this.#entry = entry
    this.#draw(me, names)
  }

  /** Draws it again, for names that were learned since. */
  redraw(me: string, names: Names): void {
    this.#draw(me, names)
  }

  /** Lets the time grow older. */
  grow(now: number): void {
    setText(this.#time, age(this.#entry.session.updateTime, now))
  }

  /** Marks the row as the one whose chat is open. */
  select(on: boolean): void {
    this.node.setAttribute('aria-selected', String(on))
  }

  /** Lights up for a moment; a light that is on starts again. */
  flash(): void {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
    this.#light?.cancel()
    this.#light = this.node.animate([{ backgroundColor: 'var(--accent-soft)' }, {}], { duration: 1600, easing: 'ease-out' })
  }

  /** Moves without a layout. */
  #move(): void {
    this.node.style.translate = `${this.#pulled}px calc(${this.#place} * var(--row))`
  }

  /** Few rows are pinned: the others do without the element. */
  #showPin(pinned: boolean): void {
    if (pinned === (this.#pin !== null)) return
    this.#pin?.remove()
    this.#pin = pinned ? el('span', { class: 'row-pin' }, icon('pin'), el('span', { class: 'unseen' }, 'Pinned')) : null
    if (this.#pin) this.#time.before(this.#pin)
  }

  #draw(me: string, names: Names): void {
    const { session, pinned } = this.#entry
    const name = names.titleOf(session)
    if (this.#name.textContent !== name) {
      setText(this.#name, name)
      const face = avatar(session.sessionType, session.sessionId, name)
      this.#face.replaceWith(face)
      this.#face = face
    }
    this.#showPin(pinned)
    this.#time.dateTime = isoTime(session.updateTime)
    this.#time.title = fullTime(session.updateTime)
    this.grow(Date.now())
    const preview = previewOf(session, me, names)
    this.#text.replaceChildren(...previewNodes(preview))
    this.#text.classList.toggle('quiet', preview.quiet)
    this.node.toggleAttribute('data-revoked', session.lastMsgType === 1)
  }
}

function previewNodes(preview: Preview): Node[] {
  const nodes: Node[] = []
  if (preview.sender) nodes.push(el('bdi', { class: 'row-sender' }, preview.sender), document.createTextNode(': '))
  if (preview.sign) nodes.push(icon(preview.sign))
  nodes.push(document.createTextNode(preview.text)) // in no element of its own: it decides the direction of the line
  return nodes
}
