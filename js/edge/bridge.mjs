// @ts-check
/** The one Go instance of this isolate, and the calls into it. */
import { Go as Loader, scope } from 'edge_wasm_exec'
import wasm from './recents-edge.wasm'

/** @typedef {{ handleRequest(request: object): Promise<Response> }} Go what an instance has for requests from outside */

/** What a call leaves behind when nothing of it may stay. */
const ROLLBACK = Symbol('rollback')

/** @type {Promise<Go> | undefined} */
let instance

/**
 * Starts the instance when there is none: in the first event, since the runtime gives no randomness before, and again after
 * one has died.
 * @param {Record<string, unknown>} env
 */
export function start(env) {
  const started = instance ?? launch(env).catch(error => {
    instance = undefined
    throw error
  })
  instance = started
  return started
}

/** @param {Record<string, unknown>} env */
async function launch(env) {
  const go = new Loader()
  go.env = { GOGC: '400' } // what lives is 2 MB: at 100 a collection came every ten lists, and was a tenth of their time
  const binding = /** @type {Go} */ ({})
  scope.context = { binding }
  scope.recents = { env, call: null }
  const started = await WebAssembly.instantiate(wasm, { ...go.importObject, workers: { ready() {} } })
  go.exit = () => { instance = undefined }
  void go.run(started)
  return binding
}

/**
 * One call: what Go reads of it, and what Go leaves in it. It runs from its beginning to its end in one turn of the event
 * loop, so there is only ever one.
 */
export class Call {
  ended = false
  rollback = false
  posted = false
  missingTeam = ''
  failed = false
  data = 'null'
  /** @type {number | undefined} when the object has to wake, 0 for never; undefined: as it was */ wakeAt
  /** @type {string | null} */ teamKey = null
  /** @type {string} */ team = 'null'
  /** @type {(() => void)[]} */ #after = []

  /**
   * @param {{ operation?: string, method?: string, url?: string, headers?: Headers, body?: Uint8Array | null, name?: string,
   *   storage?: any, sockets?: any[] }} of
   */
  constructor({ operation = '', method = 'POST', url = 'http://object/', headers = new Headers(), body = null, name = '', storage, sockets = [] }) {
    this.operation = operation
    this.request = { method, url, headers, body: null }
    this.body = body
    this.name = name
    this.storage = storage
    this.sql = storage?.sql
    this.sockets = sockets
  }

  /** The same call from its beginning, with the group that it asked for. */
  with(/** @type {string} */ team) {
    const again = new Call({ ...this, ...this.request, body: this.body })
    again.teamKey = this.missingTeam
    again.team = team
    return again
  }

  /** @param {string} query @param {string} args */
  exec(query, args) {
    this.sql.exec(query, ...JSON.parse(args))
    return ''
  }

  /** @param {string} query @param {string} args */
  query(query, args) {
    return tableOf(this.sql.exec(query, ...JSON.parse(args)).raw())
  }

  carried() {
    return JSON.stringify(this.sockets.map(s => s.deserializeAttachment()))
  }

  /** @param {number} i @param {string} frame */
  send(i, frame) {
    this.#after.push(() => this.sockets[i].send(frame))
  }

  /** @param {number} i @param {string} state */
  keep(i, state) {
    this.#after.push(() => this.sockets[i].serializeAttachment(JSON.parse(state)))
  }

  /** @param {number} i @param {number} code @param {string} reason */
  close(i, code, reason) {
    this.#after.push(() => this.sockets[i].close(code, reason))
  }

  /**
   * Runs the call, in a transaction when there is storage. Of one that was rolled back nothing is sent.
   * @param {Record<string, unknown>} env
   * @param {(time: number) => void} wake sets when the object wakes, 0 for never
   */
  async run(env, wake = () => {}) {
    return this.#go(go => go.handleRequest(this.request), env, wake)
  }

  /**
   * Runs the call as an operation of the shell's own, and returns its answer, JSON.
   * @param {Record<string, unknown>} env
   * @param {(time: number) => void} wake as of run
   */
  async operate(env, wake = () => {}) {
    await this.#go(() => scope.recents.operate(), env, wake)
    if (this.failed) throw new Error(`${this.operation} failed`)
    return this.data
  }

  /**
   * @template T
   * @param {(go: Go) => T} enter
   * @param {Record<string, unknown>} env
   * @param {(time: number) => void} wake
   */
  async #go(enter, env, wake) {
    const go = await start(env)
    const response = this.storage ? this.#transact(() => this.#enter(enter, go)) : this.#enter(enter, go)
    if (!this.rollback) {
      if (this.wakeAt !== undefined) wake(this.wakeAt)
      for (const step of this.#after) attempt(step)
    }
    return response
  }

  /** @template T @param {() => T} enter */
  #transact(enter) {
    /** @type {T | undefined} */ let response
    try {
      this.storage.transactionSync(() => {
        response = enter()
        if (this.rollback) throw ROLLBACK
      })
    } catch (error) {
      if (error !== ROLLBACK) throw error
    }
    return /** @type {T} */ (response)
  }

  /** @template T @param {(go: Go) => T} enter @param {Go} go */
  #enter(enter, go) {
    scope.recents.call = this
    try {
      const response = enter(go)
      if (!this.ended) throw new Error('the call waits for something that no call may wait for')
      return response
    } catch (error) {
      instance = undefined // what is left of it is in no known state
      throw error
    } finally {
      scope.recents.call = null
    }
  }
}

const ROW = '\x1e', END = '\x1f', NULL = '\0'
const MARKS = /[\0\x1e\x1f]/

/**
 * Rows as one text that Go cuts without reading it: a mark before each row, one behind each value. Texts that hold a mark
 * themselves, as an ext may, have the rows sent as JSON, which is read three times slower.
 * @param {Iterable<(string | number | null)[]>} rows
 */
function tableOf(rows) {
  const all = []
  let text = '', marked = false
  for (const row of rows) {
    all.push(row)
    text += ROW
    for (const value of row) {
      marked ||= typeof value === 'string' && MARKS.test(value)
      text += value === null ? NULL + END : value + END
    }
  }
  return marked ? JSON.stringify(all) : text
}

/** A socket that closed meanwhile takes no frame, and needs none. */
function attempt(/** @type {() => void} */ step) {
  try {
    step()
  } catch (error) {
    console.debug('a socket takes no frame', error)
  }
}
