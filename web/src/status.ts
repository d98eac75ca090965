import type { ClientStatus } from 'recents'
import { el, setText } from './dom'
import { setGrounded } from './flight'
import { summaryOf } from './summary'

/** The line at the foot of the list: how the client is, which opens the inspector, and the switch that takes it offline. */
export class StatusBar {
  readonly node: HTMLElement
  readonly #text = el('span', { class: 'status-text' })
  readonly #button = el('button', { class: 'status', type: 'button', title: 'What the client does', 'aria-expanded': 'false', 'aria-controls': 'inspector', 'data-testid': 'status' }, el('span', { class: 'dot' }), this.#text)
  readonly #switch = el('input', { type: 'checkbox', role: 'switch', 'data-testid': 'offline-switch' })

  constructor(inspect: () => void) {
    this.#button.addEventListener('click', inspect)
    this.#switch.addEventListener('change', () => setGrounded(this.#switch.checked))
    this.node = el('footer', { class: 'bar' }, this.#button, el('label', { class: 'switch' }, 'Go offline', this.#switch))
  }

  /** Shows a status. */
  show(status: ClientStatus): void {
    this.#button.dataset.connection = status.connection
    setText(this.#text, summaryOf(status))
  }

  /** Says whether the inspector is open; closed, it hands the focus back to its button. */
  inspecting(on: boolean): void {
    this.#button.setAttribute('aria-expanded', String(on))
    if (!on) this.#button.focus()
  }
}
