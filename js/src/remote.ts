import { TokenSource, type NoToken } from './token.js'
import { CodeToken, MaxWait } from './wire.gen.js'

/** How long the server may take for an answer and its body, ms. */
const patience = 15_000

/** What the server answered. */
export interface Answer {
  /** HTTP status; 0: no answer. */
  status: number
  /** Retry-After, ms; 0: none. */
  after: number
  body: Uint8Array
}

/** What a socket tells. Nothing comes after closed, and nothing after {@link Remote.dial}'s hang-up. */
export interface SocketEvents {
  opened(): void
  frame(text: string): void
  /** `code`: the close code, 1006 when the connection just went. */
  closed(code: number): void
}

/** An open or opening socket. */
export interface Socket {
  send(text: string): void
  hangUp(code: number): void
}

const none: Answer = { status: 0, after: 0, body: new Uint8Array() }
const tokenRefused = 4401 // sync.md, close codes
const connectionLost = 1006 // RFC 6455 §7.4.1
const notText = 1003 // a kind of data that cannot be accepted

/** The server of one account: requests and sockets, with the account's token on them. */
export class Remote {
  readonly #url: string
  readonly #token: TokenSource

  constructor(url: string, account: string, token: string | (() => unknown)) {
    this.#url = url
    this.#token = new TokenSource(token, account)
  }

  /** Posts a JSON body, `slow` one that the server may hold back. Resolves with status 0 when no answer came; never rejects. */
  async post(path: string, body: string | Uint8Array<ArrayBuffer>, renew: boolean, signal: AbortSignal, slow = false): Promise<Answer> {
    let token: string
    try {
      token = await this.#token.get(renew)
    } catch (error) {
      return withoutToken(error as NoToken)
    }
    const limit = new AbortController()
    const abort = (): void => limit.abort()
    const timer = setTimeout(abort, slow ? patience + MaxWait : patience)
    signal.addEventListener('abort', abort)
    try {
      if (signal.aborted) return none
      return await exchange(this.#url + path, token, body, limit.signal)
    } catch {
      return none // fetch says no more than that it failed
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  /** Opens a socket to /v1/updates. */
  dial(renew: boolean, events: SocketEvents): Socket {
    let socket: WebSocket | undefined
    let given = true // up: the one who dialled wants to hear of it
    const closed = (code: number): void => {
      if (given) events.closed(code)
      given = false
    }
    this.#token.get(renew).then(
      (token) => {
        if (!given) return
        try {
          socket = new WebSocket(`${this.#url.replace(/^http/, 'ws')}/v1/updates`, ['recents.v1', `bearer.${token}`])
        } catch {
          closed(connectionLost) // no WebSocket here, or a policy of the page's against it
          return
        }
        listen(socket, events, () => given, closed)
      },
      (error: NoToken) => closed(error.unreachable ? connectionLost : tokenRefused),
    )
    return {
      send: (text) => {
        if (socket?.readyState === 1) socket.send(text)
      },
      hangUp: (code) => {
        given = false
        // Of the codes below 3000, a page may send 1000 alone.
        socket?.close(code >= 3000 && code <= 4999 ? code : 1000)
      },
    }
  }
}

function listen(socket: WebSocket, events: SocketEvents, given: () => boolean, closed: (code: number) => void): void {
  socket.onopen = () => {
    if (given()) events.opened()
  }
  socket.onmessage = ({ data }) => {
    if (!given()) return
    if (typeof data === 'string') {
      events.frame(data)
      return
    }
    closed(notText)
    socket.close()
  }
  socket.onclose = ({ code }) => closed(code || connectionLost)
  // An error says nothing, and is followed by close.
}

async function exchange(url: string, token: string, body: string | Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body,
    signal,
    credentials: 'omit',
    cache: 'no-store',
    redirect: 'error', // the token is for this server alone
    referrerPolicy: 'no-referrer',
  })
  return {
    status: response.status,
    after: retryAfter(response.headers.get('Retry-After'), Date.now()),
    body: new Uint8Array(await response.arrayBuffer()),
  }
}

/** The answer in place of the server's when the app gives no token: the one to a bad token, or none. */
function withoutToken({ message, unreachable }: NoToken): Answer {
  if (unreachable) return none
  return { status: 401, after: 0, body: new TextEncoder().encode(JSON.stringify({ code: CodeToken, errorDetails: message })) }
}

/** Reads a Retry-After header, seconds or a date, in ms from now; 0 for none, for the past, and for what is neither. */
export function retryAfter(header: string | null, now: number): number {
  if (header === null) return 0
  const text = header.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const at = /[a-z]/i.test(text) ? Date.parse(text) : NaN
  return at > now ? at - now : 0
}
