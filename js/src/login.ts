import type { Client, ClientStatus, ConnectOptions, RecentSession } from './api.js'
import { connect } from './index.js'
import { CodeBadParam, CodeToken } from './wire.gen.js'

/** What the vendor's SDKs tell of an account's connection. */
export interface Connection {
  /** Connected, the first time or again. */
  connected(): void
  /** Lost, or not to be had; it is tried again by itself. `times`: how often that was since it was last connected. */
  lost(times: number): void
  /** It does not come back by itself: why. */
  ended(code: number | string, message: string): void
  /** Something went wrong that may mend itself. */
  failed(message: string): void
  /** A session changed. */
  updated(session: RecentSession): void
}

/**
 * An account as the vendor's Web SDKs hold one: an instance that is connected, disconnected and connected again, with
 * options that may be replaced meanwhile. Each connection is a client of its own.
 */
export class Login {
  readonly account: string
  #options: ConnectOptions
  readonly #to: Connection
  #client: Client | undefined
  #closed = false // its status may say so later: one that is closed from within an event ends after that
  #unfollow = (): void => {}

  constructor(options: ConnectOptions, to: Connection) {
    this.account = options.account
    this.#options = { ...options }
    this.#to = to
  }

  /** The client of the last connection; undefined before the first. */
  get client(): Client | undefined {
    return this.#client
  }

  /** Replaces the options that are given: the token at once, the rest with the next connection. */
  setOptions(options: Partial<ConnectOptions>): void {
    this.#options = { ...this.#options, ...options, account: this.account }
  }

  /** Connects, unless it is connected or will be by itself. */
  open(): Client {
    const state = this.#client?.status.connection ?? 'closed'
    if (this.#client && !this.#closed && state !== 'closed' && state !== 'unauthorized') return this.#client
    void this.close()
    this.#closed = false
    const client = (this.#client = connect({ ...this.#options, token: () => this.#token() }))
    const updates = client.messageService.onMySessionUpdate.listen((session) => this.#to.updated(session))
    const unfollow = follow(client, this.#to)
    this.#unfollow = () => {
      unfollow()
      updates.cancel()
    }
    return client
  }

  /** Ends the connection, of which nothing is told any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#unfollow()
    await this.#client?.close()
  }

  /** Asked for anew each time, since setOptions may have replaced it. */
  #token(): string | Promise<string> {
    const { token } = this.#options
    return typeof token === 'function' ? token() : token
  }
}

/** Tells `to` of a client's connection from its beginning on, never before this returns. Returns what ends that. */
function follow(client: Client, to: Connection): () => void {
  let connection: ClientStatus['connection'] = 'connecting'
  let lastError = ''
  let losses = 0
  const tell = (status: ClientStatus, codeWhenClosed: number | string): void => {
    if (status.lastError && status.lastError !== lastError) to.failed(status.lastError)
    lastError = status.lastError
    if (status.connection === connection) return
    connection = status.connection
    if (connection === 'live') {
      losses = 0
      to.connected()
    } else if (connection === 'offline') to.lost(++losses)
    else if (connection === 'unauthorized') to.ended(CodeToken, lastError || 'token: the server does not accept it')
    else if (connection === 'closed') to.ended(codeWhenClosed, lastError)
  }
  const heard = client.onStatus.listen((status) => tell(status, 'logout'))
  let following = true
  // A client whose options were refused is closed from the start, and tells nothing.
  if (client.status.connection === 'closed') queueMicrotask(() => following && tell(client.status, CodeBadParam))
  return () => {
    following = false
    heard.cancel()
  }
}
