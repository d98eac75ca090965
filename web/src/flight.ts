/**
 * The switch "Go offline": cuts this page's own calls off the network, so that one can see what an app does
 * then without pulling a cable. It stands between the page and `fetch` and `WebSocket`, and so must be
 * installed before the SDK is loaded. What a service worker would serve offline (the page, the SDK) still loads.
 */

const nativeFetch = window.fetch.bind(window)
const NativeSocket = window.WebSocket

let grounded = false
let cut = new AbortController()
const sockets = new Set<WebSocket>()

/** Whether the switch is on "offline". */
export function isGrounded(): boolean {
  return grounded
}

/** Takes the page off the network or brings it back. Calls under way fail as they do when a network goes. */
export function setGrounded(on: boolean): void {
  if (on === grounded) return
  grounded = on
  if (on) {
    cut.abort(failure())
    for (const socket of sockets) socket.close()
  } else {
    cut = new AbortController()
  }
  window.dispatchEvent(new Event(on ? 'offline' : 'online'))
}

/** Puts the switch in place. */
export function installFlight(): void {
  window.fetch = flightFetch
  window.WebSocket = FlightSocket
  Object.defineProperty(navigator, 'onLine', { configurable: true, get: () => !grounded && reallyOnline() })
}

function reallyOnline(): boolean {
  const native = Object.getOwnPropertyDescriptor(Navigator.prototype, 'onLine')
  return native?.get?.call(navigator) as boolean
}

function flightFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init)
  if (request.method === 'GET' && isShell(request.url)) return nativeFetch(request)
  if (grounded) return Promise.reject(failure())
  return nativeFetch(request, { signal: AbortSignal.any([request.signal, cut.signal]) })
}

function isShell(url: string): boolean {
  const { origin, pathname } = new URL(url)
  return origin === location.origin && !pathname.startsWith('/v1/')
}

function failure(): TypeError {
  return new TypeError('Failed to fetch')
}

class FlightSocket extends NativeSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols)
    sockets.add(this)
    this.addEventListener('close', () => sockets.delete(this))
    if (grounded) this.close() // while it connects: that fails it, as no network does
  }
}
