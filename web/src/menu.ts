import { el } from './dom'
import { icon, type IconName } from './icons'

/** One line of a menu. */
export interface MenuItem {
  label: string
  icon: IconName
  /** The key that does the same without the menu. */
  key: string
  act(): void
}

/**
 * A menu at a point of the page. The arrow keys, Home, End and a first letter walk it; Escape, Tab, and a press or a
 * scroll elsewhere close it.
 */
export class Menu {
  readonly node = el('div', { class: 'menu', role: 'menu', 'data-testid': 'menu', hidden: true })
  #closed: () => void = () => {}

  constructor() {
    this.node.addEventListener('keydown', (event) => this.#keydown(event))
    this.node.addEventListener('focusout', ({ relatedTarget }) => !this.node.contains(relatedTarget as Node | null) && this.close(false))
    for (const type of ['resize', 'blur']) window.addEventListener(type, () => this.close(false))
  }

  /** Opens it at a point (CSS pixels of the window). `closed` is told when the focus has to go back to where it was. */
  open(label: string, items: readonly MenuItem[], at: { x: number; y: number }, closed: () => void): void {
    this.#closed = closed
    this.node.setAttribute('aria-label', label)
    this.node.replaceChildren(...items.map((item) => this.#itemNode(item)))
    this.node.hidden = false
    this.#place(at)
    this.#focus(0)
  }

  /** Closes it; with `back` the focus returns. */
  close(back: boolean): void {
    if (this.node.hidden) return
    this.node.hidden = true
    if (back) this.#closed()
  }

  #itemNode({ label, icon: sign, key, act }: MenuItem): HTMLElement {
    const item = el('button', { class: 'menu-item', type: 'button', role: 'menuitem', tabindex: '-1' }, icon(sign), el('span', {}, label), el('kbd', { 'aria-hidden': 'true' }, key))
    item.addEventListener('click', () => {
      this.close(true)
      act()
    })
    return item
  }

  /** Keeps the menu inside the window. */
  #place({ x, y }: { x: number; y: number }): void {
    const { offsetWidth: width, offsetHeight: height } = this.node
    const left = document.documentElement.dir === 'rtl' ? x - width : x
    this.node.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`
    this.node.style.top = `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`
  }

  #keydown(event: KeyboardEvent): void {
    event.stopPropagation() // the page behind has keys of its own
    const items = [...this.node.children]
    const at = items.indexOf(document.activeElement!)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key] ?? this.#byLetter(items, event.key)
    if (to !== undefined) this.#focus(to)
    else if (event.key === 'Escape' || event.key === 'Tab') this.close(true)
    else return
    event.preventDefault()
  }

  #byLetter(items: readonly Element[], key: string): number | undefined {
    const at = key.length === 1 && key !== ' ' ? items.findIndex((item) => item.textContent?.toLowerCase().startsWith(key.toLowerCase())) : -1
    return at < 0 ? undefined : at
  }

  /** Gives the focus to an item; the last is before the first. */
  #focus(index: number): void {
    const { children } = this.node
    const item = children[(index + children.length) % children.length]
    if (item instanceof HTMLElement) item.focus()
  }
}
