import { el } from './dom'
import { icon } from './icons'
import type { Names } from './names'
import { Row } from './row'
import type { Entry } from './sessions'
import { emptyState, errorState, noHits, skeleton } from './states'
import { Strip } from './strip'
import { Swipe } from './swipe'
import type { View } from './view'

/** What a person does in the list. */
export interface ListActions {
  open(entry: Entry, byKeyboard: boolean): void
  pin(entry: Entry): void
  remove(entry: Entry): void
  /** Asks what to do with a session, at a point of the window. */
  menu(entry: Entry, at: { x: number; y: number }): void
  more(): void
  retry(): void
}

/** What stands where the rows end, or in their stead. */
export type Foot = 'loading' | 'more' | 'loading-more' | 'unreachable' | 'end' | 'empty' | { error: string } | { query: string; partial: boolean; clear(): void }

/**
 * Rows that are drawn above and below what is seen. Every row costs when it is made, and again with each change of the
 * list: 150 each way took a slow phone (4 times slower than a desktop) over 50 ms a change.
 */
const margin = 20

/** How far one may scroll before the drawn rows follow. */
const slack = 2

/** Rows out of sight that are made in one frame. */
const fewRows = 3

/**
 * The list on screen: a listbox that the arrow keys walk. All rows are of one height, so it draws only those near
 * what is seen, each at the place that its index says; a change neither moves what the person looks at nor takes
 * the focus away.
 */
export class List {
  readonly node: HTMLElement
  readonly #box = el('div', { class: 'rows', role: 'listbox', 'aria-label': 'Chats', 'data-testid': 'list' })
  readonly #foot = el('div', { class: 'foot' })
  readonly #strip = new Strip()
  /** As tall as all the rows. The box in it begins where the first drawn row does. */
  readonly #stage = el('div', { class: 'stage' }, this.#strip.node, this.#box)
  /** Opens the hovered row's menu, for the mouse; keys have the menu by name. One for all rows: they are made while one scrolls. */
  readonly #dots = el('span', { class: 'row-dots', 'aria-hidden': 'true' }, icon('dots'))
  #footing: Foot | null = null
  /** The sessions that changed since the last drawing, and those of them to light up. */
  readonly #touched = new Set<string>()
  readonly #lit = new Set<string>()
  #due = false
  readonly #rows = new Map<string, Row>()
  readonly #more: IntersectionObserver
  /** The key of the list's one tab stop; it is always drawn. */
  #stop: string | null = null
  #selected: string | null = null
  /** Pixels of a row, of what is seen, and of what is scrolled away: kept, since asking for them costs a layout. */
  #height = 72
  #view = 0
  #top = 0
  /** The first index that is drawn. */
  #first = 0
  /** The index that the box begins at. It goes with the rows when others come above them, so that none of them moves. */
  #origin = 0
  /** The keys at the top of what is seen: one of them stays put when the list changes. */
  #anchors: string[] = []

  constructor(
    readonly me: string,
    readonly names: Names,
    readonly sessions: View,
    readonly actions: ListActions,
  ) {
    this.node = el('div', { class: 'scroller' }, this.#stage, this.#foot)
    this.#box.addEventListener('click', (event) => this.#click(event))
    this.#box.addEventListener('keydown', (event) => this.#keydown(event))
    this.#box.addEventListener('focusin', (event) => this.#rove(keyAt(event.target)))
    this.#box.addEventListener('pointermove', (event) => this.#hover(event)) // not pointerover, which rows that scroll by fire too
    this.#box.addEventListener('contextmenu', (event) => this.#contextMenu(event))
    new Swipe<Row>(this.#box, {
      find: (target) => this.#rows.get(keyAt(target) ?? ''),
      pulling: (row, side, far) => this.#strip.show(row.index, side, far, row.entry.pinned),
      done: ({ entry }, side) => (side === 'start' ? actions.remove(entry) : actions.pin(entry)),
    })
    this.node.addEventListener('scroll', () => this.#scrolled(), { passive: true })
    const sizes = new ResizeObserver(() => this.#measure())
    sizes.observe(this.node)
    sizes.observe(this.#stage)
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

  /** Shows the sessions as they are now. `moved` are the keys of those that changed, when it is known. */
  show(moved: Iterable<string> = []): void {
    for (const key of moved) this.#touched.add(key)
    this.#stage.style.blockSize = `calc(${this.sessions.entries.length} * var(--row))`
    this.#stayPut(this.#touched)
    this.#touched.clear()
    this.#draw()
  }

  /** Shows at the next frame that a session changed, and lights it up: a burst of changes costs one drawing. */
  touch(key: string, light: boolean): void {
    this.#touched.add(key)
    if (light) this.#lit.add(key)
    this.#soon()
  }

  /** Shows other sessions from the top: a search began, changed or ended. */
  turn(): void {
    this.node.scrollTop = 0
    this.#top = 0
    this.#stop = null
    this.show()
  }

  /** Takes a row away that the sessions no longer have; when it had the focus, the next one gets it. */
  hide(key: string): void {
    const row = this.#rows.get(key)
    const focused = row !== undefined && row.node === document.activeElement
    const { entries } = this.sessions
    const heir = row && entries[Math.min(row.index, entries.length - 1)]
    if (this.#stop === key) this.#stop = heir?.key ?? null
    this.show([key])
    if (focused && heir) this.focus(heir.key)
  }

  /** Marks the row whose chat is open. */
  select(key: string | null): void {
    if (this.#selected !== null) this.#rows.get(this.#selected)?.select(false)
    this.#selected = key
    if (key !== null) this.#rows.get(key)?.select(true)
  }

  /** Gives the focus to a row, or to the first one. */
  focus(key: string | null): void {
    const entry = key === null ? undefined : this.sessions.get(key)
    this.#focusAt(entry ? this.sessions.indexOf(entry) : 0)
  }

  /** Draws the rows again, for names that were learned. */
  redraw(): void {
    for (const row of this.#rows.values()) row.redraw(this.me, this.names)
  }

  /** Lets the times grow older. */
  grow(now: number): void {
    for (const row of this.#rows.values()) row.grow(now)
  }

  /** Shows what stands below the rows. */
  foot(foot: Foot): void {
    if (foot === this.#footing) return
    this.#footing = foot
    this.#more.disconnect()
    this.#box.setAttribute('aria-busy', String(foot === 'loading' || foot === 'loading-more'))
    this.#foot.replaceChildren(...this.#footNodes(foot))
    const trigger = foot === 'more' && this.#foot.firstElementChild
    if (trigger) this.#more.observe(trigger)
  }

  #footNodes(foot: Foot): Node[] {
    if (typeof foot === 'object' && 'query' in foot) return [noHits(foot.query, foot.partial, foot.clear)]
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

  // Drawing

  /** Shows the sessions at the next frame. */
  #soon(): void {
    if (this.#due) return
    this.#due = true
    requestAnimationFrame(() => {
      this.#due = false
      this.show()
      for (const lit of this.#lit) this.#rows.get(lit)?.flash()
      this.#lit.clear()
    })
  }

  /** Draws the rows near what is seen, and drops the others. Of those not seen yet it makes only a few a frame. */
  #draw(): void {
    const active = document.activeElement
    const seen = Math.floor(this.#top / this.#height)
    const below = seen + Math.ceil(this.#view / this.#height) + 1
    this.#first = Math.max(0, seen - margin)
    const wanted = this.sessions.entries.slice(this.#first, below + margin)
    this.#keepStop(wanted)
    const keys = new Set(wanted.map(({ key }) => key))
    for (const key of this.#rows.keys()) if (!keys.has(key)) this.#drop(key)
    this.#drawRows(wanted, seen, below)
    this.#rove(this.#stop)
    this.#remember()
    if (active !== document.activeElement && this.#box.contains(active)) focusQuietly(active) // a move took it away
  }

  #drawRows(wanted: readonly Entry[], seen: number, below: number): void {
    const { entries, whole, searching } = this.sessions
    const size = whole || searching ? entries.length : -1
    let spare = fewRows
    let at = this.#box.firstElementChild
    for (const entry of wanted) {
      const index = this.sessions.indexOf(entry)
      const needed = this.#rows.has(entry.key) || (index >= seen && index < below) || entry.key === this.#stop
      if (!needed && --spare < 0) continue
      const row = this.#rowOf(entry)
      row.place(index, size, this.#origin)
      if (row.node === at) at = at.nextElementSibling
      else this.#box.insertBefore(row.node, at)
    }
    if (spare < 0) this.#soon()
  }

  /** Adds the tab stop to the rows to draw, in its order, however far off it is. */
  #keepStop(wanted: Entry[]): void {
    const stop = this.#stop === null ? undefined : this.sessions.get(this.#stop)
    if (!stop || wanted.includes(stop)) return
    if (this.sessions.indexOf(stop) < this.#first) wanted.unshift(stop)
    else wanted.push(stop)
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

  #scrolled(): void {
    this.#top = this.node.scrollTop
    const first = Math.max(0, Math.floor(this.#top / this.#height) - margin)
    if (Math.abs(first - this.#first) > slack) this.#draw()
    else this.#remember()
  }

  #measure(): void {
    const rows = this.sessions.entries.length
    const { height } = this.#stage.getBoundingClientRect()
    if (rows === 0 || height === 0) return // nothing there, or not shown just now
    this.#height = height / rows
    this.#view = this.node.clientHeight
    this.#top = this.node.scrollTop
    this.#draw()
  }

  /** Notes which rows are at the top of what is seen. */
  #remember(): void {
    const index = Math.floor(this.#top / this.#height)
    this.#anchors = this.sessions.entries.slice(index, index + 3).map(({ key }) => key)
  }

  /** Scrolls by as much as rows came or went above what is seen, unless that is the list's very top. */
  #stayPut(moved: ReadonlySet<string>): void {
    if (this.#top === 0) return
    const before = Math.floor(this.#top / this.#height)
    for (const [i, key] of this.#anchors.entries()) {
      const entry = this.sessions.get(key)
      if (!entry || moved.has(key)) continue
      const shift = this.sessions.indexOf(entry) - (before + i)
      if (shift === 0) return
      this.#shift(shift)
      return
    }
  }

  #shift(rows: number): void {
    this.#origin += rows
    this.#box.style.translate = `0 calc(${this.#origin} * var(--row))`
    const most = Math.max(0, this.sessions.entries.length * this.#height - this.#view) // reading it back would cost a layout
    this.#top = Math.min(Math.max(0, this.#top + rows * this.#height), most)
    this.node.scrollTop = this.#top
  }

  // Keyboard and mouse

  #click(event: MouseEvent): void {
    const entry = this.#entryAt(event.target)
    if (!entry) return
    const onDots = event.target instanceof Element && event.target.closest('.row-dots')
    if (onDots) this.actions.menu(entry, { x: event.clientX, y: event.clientY })
    else this.actions.open(entry, false)
  }

  #hover({ target, pointerType }: PointerEvent): void {
    const row = this.#rows.get(keyAt(target) ?? '')
    if (pointerType === 'mouse' && row && !row.node.contains(this.#dots)) row.node.append(this.#dots)
  }

  /** The mouse's other button, a long press, or the key beside Ctrl: that one has no place, so the row gives it. */
  #contextMenu(event: MouseEvent): void {
    const entry = this.#entryAt(event.target)
    if (!entry) return
    event.preventDefault()
    const byKey = event.button !== 2 && event.clientX === 0 && event.clientY === 0
    this.actions.menu(entry, byKey ? this.#middleOf(entry) : { x: event.clientX, y: event.clientY })
  }

  #middleOf({ key }: Entry): { x: number; y: number } {
    const { x, y, width, height } = this.#rows.get(key)!.node.getBoundingClientRect()
    return { x: x + width / 2, y: y + height / 2 }
  }

  #keydown(event: KeyboardEvent): void {
    const entry = this.#entryAt(event.target)
    if (!entry || event.ctrlKey || event.metaKey || event.altKey) return
    const act = this.#keys[event.key]
    if (!act) return
    event.preventDefault()
    act(entry, this.sessions.indexOf(entry))
  }

  readonly #keys: Record<string, (entry: Entry, index: number) => void> = {
    ArrowDown: (_, index) => this.#focusAt(index + 1),
    ArrowUp: (_, index) => this.#focusAt(index - 1),
    PageDown: (_, index) => this.#focusAt(index + this.#screenful()),
    PageUp: (_, index) => this.#focusAt(index - this.#screenful()),
    Home: () => this.#focusAt(0),
    End: () => this.#focusAt(Infinity),
    Enter: (entry) => this.actions.open(entry, true),
    ' ': (entry) => this.actions.open(entry, true),
    Delete: (entry) => this.actions.remove(entry),
    p: (entry) => this.actions.pin(entry),
    m: (entry) => this.actions.menu(entry, this.#middleOf(entry)),
  }

  #screenful(): number {
    return Math.max(1, Math.floor(this.#view / this.#height) - 1)
  }

  /** Gives the focus to the row of that index, or the nearest there is, and brings it into view. */
  #focusAt(wanted: number): void {
    const { entries } = this.sessions
    const index = Math.min(Math.max(wanted, 0), entries.length - 1)
    const entry = entries[index]
    if (!entry) return
    this.#stop = entry.key
    this.#bringIntoView(index)
    this.#draw()
    focusQuietly(this.#rows.get(entry.key)?.node)
  }

  #bringIntoView(index: number): void {
    const above = index * this.#height
    const below = above + this.#height - this.#view
    if (above < this.#top) this.node.scrollTop = above
    else if (below > this.#top) this.node.scrollTop = below
    this.#top = this.node.scrollTop
  }

  #entryAt(target: EventTarget | null): Entry | undefined {
    const key = keyAt(target)
    return key === null ? undefined : this.sessions.get(key)
  }

  /** Makes one row the list's tab stop: the one wanted, or the first. */
  #rove(wanted: string | null): void {
    const key = wanted !== null && this.#rows.has(wanted) ? wanted : (this.sessions.entries[0]?.key ?? null)
    if (this.#stop !== null && this.#stop !== key) this.#rows.get(this.#stop)?.stop(false)
    if (key !== null) this.#rows.get(key)?.stop(true)
    this.#stop = key
  }
}

function keyAt(target: EventTarget | null): string | null {
  const row = target instanceof Element ? target.closest<HTMLElement>('.row') : null
  return row?.dataset.key ?? null
}

function focusQuietly(node: Element | null | undefined): void {
  if (node instanceof HTMLElement) node.focus({ preventScroll: true })
}
