import { el } from './dom'
import { icon } from './icons'

const devices = [
  { title: 'This browser', about: 'keeps its copy in IndexedDB', storage: 'indexeddb' },
  { title: 'A second device', about: 'keeps its copy in memory', storage: 'memory' },
] as const

/**
 * One account on two devices, side by side. Each is a document of its own, with a client, a connection and a network
 * switch of its own: one can be taken offline, and be seen to catch up with the other.
 */
export function sideBySide(account: string): HTMLElement {
  const one = el('a', { class: 'text-link', href: addressWith({ devices: null }) }, 'One device')
  const head = el('header', { class: 'devices-head' }, el('h1', {}, el('bdi', {}, account), ' on two devices'), one)
  return el('main', { class: 'devices', 'data-testid': 'devices' }, head, ...devices.map((device) => frameNode(device, account)))
}

/** The link that puts a second device beside this one; none inside such a device. */
export function secondDeviceLink(): HTMLElement | null {
  if (window.parent !== window) return null
  return el('a', { class: 'tool', href: addressWith({ devices: '2' }), title: 'A second device beside this one', 'aria-label': 'A second device beside this one', 'data-testid': 'two-devices' }, icon('devices'))
}

function frameNode({ title, about, storage }: (typeof devices)[number], account: string): HTMLElement {
  const frame = el('iframe', { src: addressWith({ devices: null, as: account, storage }), title: `${title}, as ${account}`, 'data-testid': `device-${storage}` })
  return el('section', { class: 'device', 'aria-label': title }, el('h2', {}, title, el('small', {}, about)), frame)
}

/** This page's address with parts of its query changed; null takes one out. */
function addressWith(changes: Record<string, string | null>): string {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) query.delete(name)
    else query.set(name, value)
  }
  return `${location.pathname}?${query}`
}
