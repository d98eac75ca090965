import type { ClientStatus } from 'recents'
import { el, setText } from './dom'
import { setGrounded } from './flight'

const connections: Record<ClientStatus['connection'], string> = {
  connecting: 'Connecting…',
  live: 'Live',
  offline: 'Offline',
  unauthorized: 'Signed out',
  closed: 'Closed',
}

const facts = ['Connection', 'Storage', 'Cached', 'Pending', 'Cursor', 'Last error'] as const

/** The line at the foot of the list: how the client is, and the switch that takes it offline. */
export class StatusBar {
  readonly node: HTMLElement
  readonly #summary = el('span', { class: 'status-text' })
  readonly #values = facts.map(() => el('dd', {}))
  readonly #details: HTMLDetailsElement
  readonly #switch = el('input', { type: 'checkbox', role: 'switch', 'data-testid': 'offline-switch' })

  constructor() {
    const rows = facts.map((fact, i) => el('div', {}, el('dt', {}, fact), this.#values[i]))
    this.#details = el(
      'details',
      { class: 'status', 'data-testid': 'status' },
      el('summary', {}, el('span', { class: 'dot' }), this.#summary),
      el('dl', { class: 'facts' }, ...rows),
    )
    this.#switch.addEventListener('change', () => setGrounded(this.#switch.checked))
    this.node = el('footer', { class: 'bar' }, this.#details, el('label', { class: 'switch' }, 'Go offline', this.#switch))
  }

  /** Shows a status. */
  show(status: ClientStatus): void {
    const { connection, storage, cached, pending, cursor, lastError } = status
    this.#details.dataset.connection = connection
    const waiting = pending > 0 ? ` · ${pending} waiting` : ''
    setText(this.#summary, `${connections[connection]} · ${cached} saved${waiting}`)
    const kept = storage === 'indexeddb' ? 'this browser' : 'memory only'
    const values = [connections[connection], kept, `${cached}`, `${pending}`, cursor || 'none', lastError || 'none']
    values.forEach((value, i) => setText(this.#values[i]!, value))
  }
}
