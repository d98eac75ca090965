/** What a row is pulled towards: where lines begin (deletes), or where they end (pins). */
export type Side = 'start' | 'end'

/** What the gesture moves. */
export interface Pulled {
  /** Moves it sideways by so many pixels; 0 lets it go. */
  pull(pixels: number): void
  readonly width: number
}

export interface SwipeEvents<T extends Pulled> {
  /** What lies under a finger. */
  find(target: EventTarget | null): T | undefined
  /** It is pulled towards a side; `far` when letting go would do what that side means. Null when it is let go. */
  pulling(row: T, side: Side | null, far: boolean): void
  done(row: T, side: Side): void
}

/** How far a finger moves before it is known what it wants, px. */
const slop = 10

/** The part of the row's width beyond which letting go counts. */
const enough = 0.35

/**
 * Follows a finger (or a pen) that pulls a row sideways. Up and down stays the browser's: the rows have
 * `touch-action: pan-y`. A mouse has the menu.
 */
export class Swipe<T extends Pulled> {
  #held: { row: T; id: number; x: number; y: number; pulls: boolean } | null = null
  #swallow = false

  constructor(
    readonly box: HTMLElement,
    readonly events: SwipeEvents<T>,
  ) {
    box.addEventListener('pointerdown', (event) => this.#down(event))
    box.addEventListener('pointermove', (event) => this.#move(event))
    box.addEventListener('pointerup', (event) => this.#up(event, true))
    box.addEventListener('pointercancel', (event) => this.#up(event, false))
    box.addEventListener('click', (event) => this.#click(event), { capture: true })
  }

  #down({ pointerType, isPrimary, target, pointerId, clientX, clientY }: PointerEvent): void {
    this.#swallow = false
    if (pointerType === 'mouse' || !isPrimary) return
    const row = this.events.find(target)
    if (row) this.#held = { row, id: pointerId, x: clientX, y: clientY, pulls: false }
  }

  #move({ pointerId, clientX, clientY }: PointerEvent): void {
    const held = this.#held
    if (held?.id !== pointerId) return
    const x = clientX - held.x
    if (!held.pulls && Math.abs(x) > slop && Math.abs(x) > Math.abs(clientY - held.y)) {
      held.pulls = true
      this.box.setPointerCapture(pointerId)
    }
    if (!held.pulls) return
    held.row.pull(x)
    this.events.pulling(held.row, sideOf(x), isFar(held.row, x))
  }

  #up({ pointerId, clientX }: PointerEvent, meant: boolean): void {
    const held = this.#held
    if (held?.id !== pointerId) return
    this.#held = null
    if (!held.pulls) return
    this.#swallow = true
    const x = clientX - held.x
    held.row.pull(0)
    this.events.pulling(held.row, null, false)
    if (meant && isFar(held.row, x)) this.events.done(held.row, sideOf(x))
  }

  /** A pull is no press: the click that a browser makes of it opens nothing. */
  #click(event: Event): void {
    if (this.#swallow) event.stopPropagation()
    this.#swallow = false
  }
}

function sideOf(x: number): Side {
  return x < 0 === (document.documentElement.dir !== 'rtl') ? 'start' : 'end'
}

function isFar(row: Pulled, x: number): boolean {
  return Math.abs(x) > row.width * enough
}
