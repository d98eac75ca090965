import { el, setText } from './dom'
import { icon } from './icons'
import type { Side } from './swipe'

/** What comes to light under a row that is pulled sideways: what letting go will do. */
export class Strip {
  readonly #word = el('span')
  readonly #sign = el('span')
  readonly node = el('div', { class: 'under', 'aria-hidden': 'true', hidden: true }, this.#sign, this.#word)

  /** Shows it under the row of an index; without a side it goes. */
  show(index: number, side: Side | null, far: boolean, pinned: boolean): void {
    this.node.hidden = side === null
    if (side === null) return
    this.node.style.translate = `0 calc(${index} * var(--row))`
    this.node.dataset.side = side
    this.node.toggleAttribute('data-far', far)
    this.#sign.replaceChildren(icon(side === 'start' ? 'trash' : 'pin'))
    setText(this.#word, side === 'start' ? 'Delete' : pinned ? 'Unpin' : 'Pin')
  }
}
