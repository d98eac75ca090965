// @ts-check
/** The HTTP API as a program outside uses it: plain fetch, no SDK. */
import { setTimeout } from 'node:timers/promises'

/**
 * @typedef {{ code: number, data: any, errorDetails?: string }} Answer
 * @typedef {{ sessionId: string, sessionType: string, updateTime: number, ext?: string, lastMsg?: string }} Session
 * @typedef {{ hasMore: boolean, sessionList: Session[], nextMaxTimestamp: number }} Page
 */

/** A server, as seen by the chat app's own backend (with the server key) and by its users (with their tokens). */
export class Api {
  /** @type {Map<string, string>} */
  #tokens = new Map()

  /**
   * @param {string} url
   * @param {string} serverKey
   */
  constructor(url, serverKey = 'dev') {
    this.url = url
    this.serverKey = serverKey
  }

  /**
   * One call as it is, whatever its outcome; only "too many requests" is heeded and the call made again.
   * @param {string} path
   * @param {unknown} body
   * @param {string} bearer
   * @returns {Promise<Answer>}
   */
  async call(path, body, bearer) {
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${bearer}` },
      body: JSON.stringify(body),
    })
    if (response.status !== 429) return response.json()
    await setTimeout(1000 * Number(response.headers.get('Retry-After')))
    return this.call(path, body, bearer)
  }

  /**
   * One call of the backend, which must succeed.
   * @param {string} path
   * @param {unknown} body
   */
  async backend(path, body) {
    return dataOf(path, await this.call(path, body, this.serverKey))
  }

  /**
   * One call of a user, which must succeed.
   * @param {string} account
   * @param {string} path
   * @param {unknown} body
   */
  async user(account, path, body) {
    return dataOf(path, await this.call(path, body, await this.token(account)))
  }

  /**
   * The token of an account, the same one each time.
   * @param {string} account
   */
  async token(account) {
    const token = this.#tokens.get(account) ?? (await this.backend('/v1/issueToken', { account, ttlSeconds: 3600 })).token
    this.#tokens.set(account, token)
    return token
  }

  /**
   * Sends a text between two people.
   * @param {string} from
   * @param {string} to
   * @param {string} content
   * @param {object} more members of the NIMMessage
   * @returns {Promise<{ serverId: string, timestamp: number }>}
   */
  async send(from, to, content, more = {}) {
    return this.backend('/v1/sendMessage', { from, to, sessionType: 'p2p', message: { messageType: 'text', content, ...more } })
  }

  /**
   * One page of an account's list.
   * @param {string} account
   * @param {object} query
   * @returns {Promise<Page>}
   */
  async list(account, query = {}) {
    return this.user(account, '/v1/queryMySessionList', query)
  }
}

/**
 * @param {string} path
 * @param {Answer} answer
 */
function dataOf(path, answer) {
  if (answer.code !== 200) throw new Error(`${path}: ${answer.code} ${answer.errorDetails}`)
  return answer.data
}
