import { el } from './dom'
import type { Names } from './names'
import { Row } from './row'
import type { Entry, Sessions } from './sessions'
import { emptyState, errorState, skeleton } from './states'

/** What a person does in the list. */
export interface ListActions {
  open(entry: Entry, byKeyboard: boolean): void
  pin(entry: Entry): void
  remove(entry: Entry): void
  more(): void
  retry(): void
}

/** What stands where the rows end, or in their stead. */
export type Foot = 'loading' | 'more' | 'loading-more' | 'unreachable' | 'end' | 'empty' | { error: string }

/**
 * The list on screen: a listbox whose rows the arrow keys walk. It shows the rows of a {@link Sessions} and
 * changes only what changed, so that neither the scroll position nor the focus is lost to an arrival.
 */
export class List {
  readonly node: HTMLElement
  readonly #box = el('div', { class: 'rows', role: 'listbox', 'aria-label': 'Chats', 'data-testid': 'list' })
  readonly #foot = el('div', { class: 'foot' })
  readonly #rows = new Map<string, Row>()
  readonly #more: IntersectionObserver
  #focused: string | null = null
  #selected: string | null = null

  constructor(
    readonly me: string,
    readonly names: Names,
    readonly sessions: Sessions,
    readonly actions: ListActions,
  ) {
    this.node = el('div', { class: 'scroller' }, this.#box, this.#foot)
    this.#box.addEventListener('click', (event) => this.#click(event))
    this.#box.addEventListener('keydown', (event) => this.#keydown(event))
    this.#box.addEventListener('focusin', (event) => this.#rove(keyAt(event.target)))
    this.#box.addEventListener('animationend', (event) => (event.target as Element).classList.remove('arrived'))
    this.#more = new IntersectionObserver((seen) => seen.some((e) => e.isIntersecting) && actions.more(), {
      root: this.node,
      rootMargin: '600px', // a screen ahead, so that a calm scroll never meets the end of what is loaded
    })
  }

  /** Writes where the rows came from, for tests and styles. */
  source(source: 'server' | 'cache', fresh: boolean): void {
    this.#box.dataset.source = source
    this.#box.dataset.fresh = String(fresh)
  }

  /** Shows all rows of the sessions, each in its place. */
  showAll(): void {
    const { entries } = this.sessions
    this.#keepingPlace(null, () => {
      for (const [key] of this.#rows) if (!this.sessions.get(key)) this.#drop(key)
      let at = this.#box.firstElementChild
      for (const entry of entries) {
        const { node } = this.#rowOf(entry)
        if (node === at) at = at.nextElementSibling
        else this.#box.insertBefore(node, at)
      }
    })
    this.#rove(this.#focused)
  }

  /** Shows one entry where it stands now. */
  show(entry: Entry): void {
    this.#keepingPlace(entry.key, () => {
      const { node } = this.#rowOf(entry)
      const next = this.sessions.entries[this.sessions.indexOf(entry) + 1]
      const before = next ? (this.#rows.get(next.key)?.node ?? null) : null
      if (node.isConnected && node.nextElementSibling === before) return
      const focused = node === document.activeElement
      this.#box.insertBefore(node, before)
      if (focused) node.focus({ preventScroll: true }) // a move takes the focus away
    })
    this.#rove(this.#focused)
  }

  /** Takes a row away; when it had the focus, the next one gets it. */
  hide(key: string): void {
    const row = this.#rows.get(key)
    if (!row) return
    const heir = row.node.nextElementSibling ?? row.node.previousElementSibling
    const focused = row.node === document.activeElement
    this.#keepingPlace(key, () => this.#drop(key))
    this.#rove(keyAt(heir))
    if (focused && heir instanceof HTMLElement) heir.focus({ preventScroll: true })
  }

  /** Lights up a row for an arrival. */
  flash(key: string): void {
    this.#rows.get(key)?.flash()
  }

  /** Marks the row whose chat is open. */
  select(key: string | null): void {
    if (this.#selected !== null) this.#rows.get(this.#selected)?.select(false)
    this.#selected = key
    if (key !== null) this.#rows.get(key)?.select(true)
  }

  /** Gives the focus to a row, or to the first one. */
  focus(key: string | null): void {
    const row = (key !== null && this.#rows.get(key)) || this.#rows.get(this.sessions.entries[0]?.key ?? '')
    row?.node.focus()
  }

  /** Draws the rows again, for names that were learned. */
  redraw(): void {
    for (const row of this.#rows.values()) row.redraw(this.me, this.names)
  }

  /** Lets the times grow older. Those of last week and before say a date, which does not. */
  grow(now: number): void {
    const week = 8 * 24 * 60 * 60 * 1000
    for (const row of this.#rows.values()) {
      if (now - row.entry.session.updateTime < week) row.grow(now)
    }
  }

  /** Shows what stands below the rows. */
  foot(foot: Foot): void {
    this.#more.disconnect()
    this.#box.setAttribute('aria-busy', String(foot === 'loading' || foot === 'loading-more'))
    this.#foot.replaceChildren(...this.#footNodes(foot))
    const trigger = foot === 'more' && this.#foot.firstElementChild
    if (trigger) this.#more.observe(trigger)
  }

  #footNodes(foot: Foot): Node[] {
    if (typeof foot === 'object') return [errorState(foot.error, () => this.actions.retry())]
    switch (foot) {
      case 'loading':
        return [skeleton()]
      case 'empty':
        return [emptyState()]
      case 'end':
        return [el('p', { class: 'end', 'data-testid': 'end' }, 'That’s everything')]
      case 'loading-more':
        return [el('p', { class: 'end' }, 'Loading…')]
      case 'more':
        return [this.#moreButton('Show older chats')]
      case 'unreachable':
        return [el('p', { class: 'end' }, 'Older chats need a connection'), this.#moreButton('Try again')]
    }
  }

  #moreButton(text: string): HTMLElement {
    const button = el('button', { class: 'more', type: 'button', 'data-testid': 'load-more' }, text)
    button.addEventListener('click', () => this.actions.more())
    return button
  }

  #rowOf(entry: Entry): Row {
    let row = this.#rows.get(entry.key)
    if (row) {
      row.show(entry, this.me, this.names)
    } else {
      row = new Row(entry, this.me, this.names)
      row.select(entry.key === this.#selected)
      this.#rows.set(entry.key, row)
    }
    return row
  }

  #drop(key: string): void {
    this.#rows.get(key)?.node.remove()
    this.#rows.delete(key)
  }

  /** Changes rows so that what the person looks at stays where it is, unless that is the top of the list. */
  #keepingPlace(moving: string | null, change: () => void): void {
    const anchor = this.node.scrollTop > 0 ? this.#firstSeen(moving) : null
    const before = anchor?.getBoundingClientRect().top ?? 0
    change()
    if (anchor?.isConnected) this.node.scrollTop += anchor.getBoundingClientRect().top - before
  }

  #firstSeen(moving: string | null): Element | null {
    const { left, top, width } = this.node.getBoundingClientRect()
    let row = document.elementFromPoint(left + width / 2, top + 1)?.closest('.row') ?? null
    if (keyAt(row) === moving) row = row?.nextElementSibling ?? null
    return row
  }

  #click(event: MouseEvent): void {
    const entry = this.#entryAt(event.target)
    if (entry) this.actions.open(entry, false)
  }

  #keydown(event: KeyboardEvent): void {
    const entry = this.#entryAt(event.target)
    if (!entry || event.ctrlKey || event.metaKey || event.altKey) return
    const act = this.#keys[event.key]
    if (!act) return
    event.preventDefault()
    act(entry, event.target as HTMLElement)
  }

  readonly #keys: Record<string, (entry: Entry, row: HTMLElement) => void> = {
    ArrowDown: (_, row) => step(row.nextElementSibling),
    ArrowUp: (_, row) => step(row.previousElementSibling),
    PageDown: (_, row) => step(this.#rowAway(row, 1)),
    PageUp: (_, row) => step(this.#rowAway(row, -1)),
    Home: () => step(this.#box.firstElementChild),
    End: () => step(this.#box.lastElementChild),
    Enter: (entry) => this.actions.open(entry, true),
    ' ': (entry) => this.actions.open(entry, true),
    Delete: (entry) => this.actions.remove(entry),
    p: (entry) => this.actions.pin(entry),
  }

  /** The row a screen away, or the last one on the way. */
  #rowAway(row: HTMLElement, direction: 1 | -1): Element | null {
    const rows = this.#box.children
    const screen = Math.max(1, Math.floor(this.node.clientHeight / row.offsetHeight) - 1)
    const at = Array.prototype.indexOf.call(rows, row) + direction * screen
    return rows[Math.min(Math.max(at, 0), rows.length - 1)] ?? null
  }

  #entryAt(target: EventTarget | null): Entry | undefined {
    const key = keyAt(target)
    return key === null ? undefined : this.sessions.get(key)
  }

  /** Makes one row the list's tab stop: the one last focused, or the first. */
  #rove(wanted: string | null): void {
    const key = wanted !== null && this.#rows.has(wanted) ? wanted : (this.sessions.entries[0]?.key ?? null)
    if (this.#focused !== null) this.#rows.get(this.#focused)?.node.setAttribute('tabindex', '-1')
    if (key !== null) this.#rows.get(key)?.node.setAttribute('tabindex', '0')
    this.#focused = key
  }
}

function keyAt(target: EventTarget | null): string | null {
  const row = target instanceof Element ? target.closest<HTMLElement>('.row') : null
  return row?.dataset.key ?? null
}

function step(row: Element | null): void {
  if (!(row instanceof HTMLElement)) return
  row.focus({ preventScroll: true })
  row.scrollIntoView({ block: 'nearest' })
}
