import { isOnline } from './page.js'
import { whyNoToken } from './settings.js'

/** How long the app's function may take, ms. */
const patience = 15_000

/** Gives the account's token, and asks the app for a new one at most once at a time. */
export class TokenSource {
  readonly #source: string | (() => unknown)
  readonly #account: string
  #current: Promise<string> | undefined
  #asking = false

  constructor(source: string | (() => unknown), account: string) {
    this.#source = source
    this.#account = account
  }

  /**
   * The token; with `renew`, a new one of the app's function. Rejects with a
   * {@link NoToken}, whose text never holds what the app threw: that might
   * quote a token.
   */
  get(renew: boolean): Promise<string> {
    const source = this.#source
    if (typeof source === 'string') return this.#checked(source)
    if (!this.#current || (renew && !this.#asking)) this.#current = this.#ask(source)
    return this.#current
  }

  /**
   * The server answers for the account that a token names, whichever the app
   * asked for: one of another account would fill this one's cache with its rows.
   */
  async #checked(token: string): Promise<string> {
    const account = accountOf(token)
    if (account !== undefined && account !== this.#account) throw new NoToken('token: is of another account', false)
    return token
  }

  async #ask(source: () => unknown): Promise<string> {
    this.#asking = true
    try {
      const token = await answer(source)
      const wrong = whyNoToken(token)
      if (wrong) throw new NoToken(`token: the function's answer ${wrong}`, false)
      return await this.#checked(token as string)
    } catch (error) {
      this.#current = undefined // the next one asks again
      throw error
    } finally {
      this.#asking = false
    }
  }
}

/** Whose token it is; undefined when it does not say, and the server has to. */
export function accountOf(token: string): unknown {
  try {
    const payload = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes)).sub
  } catch {
    return undefined // no JWT
  }
}

/** Why there is no token. */
export class NoToken extends Error {
  constructor(
    details: string,
    /** Whether the app could not reach whoever gives tokens: to be offline is not to be refused. */
    readonly unreachable: boolean,
  ) {
    super(details)
  }
}

function answer(source: () => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const late = new NoToken(`token: the function gave none within ${patience} ms`, true)
    const timer = setTimeout(() => reject(late), patience)
    // Within a then, so that a function that throws is a function that rejects.
    const asked = Promise.resolve().then(source)
    asked.then(resolve, (error: unknown) => reject(failed(error))).finally(() => clearTimeout(timer))
  })
}

/** A fetch that reached nobody rejects with a TypeError, and tells no more. */
function failed(error: unknown): NoToken {
  return new NoToken('token: the function failed', error instanceof TypeError || !isOnline())
}
