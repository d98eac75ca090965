/** The calls that the SDK does not make: sign in as a demo account, send a message, take one back. */
import type { NIMMessage, SessionKey } from 'recents'

/** An answer that is no success: a result code of the contract, and what the server says of it. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    details: string,
  ) {
    super(details)
  }
}

/** The server as one account. No network: every call rejects with `fetch`'s TypeError. */
export class Server {
  #token = ''
  #givesTokens = true

  /** `url` is the server's base; a page of the server's own uses `location.origin`. */
  constructor(
    readonly url: string,
    readonly account: string,
  ) {}

  /** False once the server has said that it gives no demo tokens: only one in development mode does. */
  get givesTokens(): boolean {
    return this.#givesTokens
  }

  /** Asks for a new token. */
  async freshToken(): Promise<string> {
    try {
      const data = (await this.#post('/v1/dev/token', { account: this.account })) as { token: string }
      this.#token = data.token
      return this.#token
    } catch (error) {
      if (error instanceof Refusal && error.code === 404) this.#givesTokens = false
      throw error
    }
  }

  /** Sends a text message. The same uuid twice is one message, so a failed call may be repeated. */
  async send(to: SessionKey, message: Pick<NIMMessage, 'uuid' | 'content' | 'fromNickname' | 'remoteExtension'>): Promise<void> {
    await this.#postSigned('/v1/sendMessage', {
      from: this.account,
      to: to.sessionId,
      sessionType: to.sessionType,
      message: { ...message, messageType: 'text' },
    })
  }

  /** Takes a message of this account back. */
  async revoke(from: SessionKey, uuid: string): Promise<void> {
    const { account } = this
    await this.#postSigned('/v1/revokeMessage', { from: account, to: from.sessionId, sessionType: from.sessionType, uuid, operator: account })
  }

  async #postSigned(path: string, body: object): Promise<unknown> {
    const token = this.#token || (await this.freshToken())
    try {
      return await this.#post(path, body, token)
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 302) throw error
      return this.#post(path, body, await this.freshToken()) // the token had run out
    }
  }

  async #post(path: string, body: object, token?: string): Promise<unknown> {
    const headers: Record<string, string> = { 'Content-Type': 'application/json' }
    if (token) headers.Authorization = `Bearer ${token}`
    const response = await fetch(this.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    const answer = await envelope(response)
    if (answer.code !== 200) throw new Refusal(answer.code, answer.errorDetails ?? '')
    return answer.data
  }
}

interface Envelope {
  code: number
  data?: unknown
  errorDetails?: string
}

/** Reads an answer; one that is not the server's (a proxy's page, say) becomes the HTTP status. */
async function envelope(response: Response): Promise<Envelope> {
  const answer: unknown = await response.json().catch(() => null)
  if (answer !== null && typeof answer === 'object' && typeof (answer as Envelope).code === 'number') return answer as Envelope
  return { code: response.status === 200 ? 500 : response.status, errorDetails: `HTTP ${response.status}` }
}

/** A message's id. `crypto.randomUUID` is missing on plain-http origins, `getRandomValues` is not. */
export function newUUID(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
