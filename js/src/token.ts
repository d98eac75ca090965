import { whyNoToken } from './settings.js'

/** How long the app's function may take, ms. */
const patience = 15_000

/** Gives the account's token, and asks the app for a new one at most once at a time. */
export class TokenSource {
  readonly #source: string | (() => unknown)
  #current: Promise<string> | undefined
  #asking = false

  constructor(source: string | (() => unknown)) {
    this.#source = source
  }

  /**
   * The token; with `renew`, a new one of the app's function. Rejects with an
   * error whose text never holds what the app threw: that might quote a token.
   */
  get(renew: boolean): Promise<string> {
    const source = this.#source
    if (typeof source === 'string') return Promise.resolve(source)
    if (!this.#current || (renew && !this.#asking)) this.#current = this.#ask(source)
    return this.#current
  }

  async #ask(source: () => unknown): Promise<string> {
    this.#asking = true
    try {
      const token = await answer(source)
      const wrong = whyNoToken(token)
      if (wrong) throw new Error(`token: the function's answer ${wrong}`)
      return token as string
    } catch (error) {
      this.#current = undefined // the next one asks again
      throw error
    } finally {
      this.#asking = false
    }
  }
}

function answer(source: () => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`token: the function gave none within ${patience} ms`)), patience)
    const settle = (done: () => void): void => {
      clearTimeout(timer)
      done()
    }
    // Within a then, so that a function that throws is a function that rejects.
    Promise.resolve()
      .then(source)
      .then(
        (token) => settle(() => resolve(token)),
        () => settle(() => reject(new Error('token: the function failed'))),
      )
  })
}
