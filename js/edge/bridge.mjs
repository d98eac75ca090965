// @ts-check
/** The calls into Go: those of an object, which cross as bytes, and what is answered in front of all objects. */
import { abandon, scope, start } from './instance.mjs'

/** What a call leaves behind when nothing of it may stay. */
const ROLLBACK = Symbol('rollback')

/** What Go reads of a request; the rest does not cross. */
const READ = ['Authorization', 'Idempotency-Key', 'Origin', 'Host', 'Content-Length', 'Upgrade', 'Sec-WebSocket-Protocol', 'Cf-Connecting-Ip']

const END = '\0' // of each field: wasm/edge/door.go
const NOTHING = new Uint8Array()
const BODILESS = new Set([204, 304])
const decoder = new TextDecoder()

/**
 * One call: what Go is told of it, and what Go leaves. It runs from its beginning to its end in one turn of the event loop, so
 * there is only ever one.
 */
export class Call {
  rollback = false
  posted = false
  missingTeam = ''
  batch = ''
  /** @type {(() => void)[]} */ #after = []

  /**
   * @param {{ operation?: string, request?: Request, body?: Uint8Array | null, name?: string, storage?: any, sockets?: any[],
   *   idle?: boolean, teamKey?: string, team?: string }} of
   */
  constructor(of) {
    this.of = of
    this.name = of.name ?? ''
    this.sockets = of.sockets ?? []
  }

  /** The same call from its beginning, with the group that it asked for. @param {string} team */
  with(team) {
    return new Call({ ...this.of, teamKey: this.missingTeam, team })
  }

  /** A statement's rows. @param {string} query @param {any[]} args @returns {Iterable<any[]>} */
  rows(query, args) {
    return this.of.storage.sql.exec(query, ...args).raw()
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
   * Runs the call, a request.
   * @param {Record<string, unknown>} env
   * @param {(time: number) => void} wake sets when the object wakes, 0 for never
   */
  async run(env, wake) {
    const { status, headers, body } = await this.#go(env, wake)
    return new Response(BODILESS.has(status) ? null : body, { status, headers })
  }

  /**
   * Runs the call, an operation of the shell's own, and returns its answer, JSON.
   * @param {Record<string, unknown>} env
   * @param {(time: number) => void} wake as of run
   */
  async operate(env, wake = () => {}) {
    const { failed, body } = await this.#go(env, wake)
    if (failed) throw new Error(`${this.of.operation} failed`)
    return decoder.decode(body)
  }

  /**
   * Runs the call, in a transaction when there is storage. Of one that was rolled back nothing is sent.
   * @param {Record<string, unknown>} env @param {(time: number) => void} wake
   */
  async #go(env, wake) {
    const instance = await start(env)
    const heading = this.#heading()
    const outcome = this.of.storage ? this.#transact(() => this.#enter(instance, heading)) : this.#enter(instance, heading)
    if (!this.rollback) {
      if (outcome.wakeAt !== '') wake(Number(outcome.wakeAt))
      for (const step of this.#after) attempt(step)
    }
    return outcome
  }

  /** @param {() => Outcome} enter */
  #transact(enter) {
    /** @type {Outcome | undefined} */ let outcome
    try {
      this.of.storage.transactionSync(() => {
        outcome = enter()
        if (this.rollback) throw ROLLBACK
      })
    } catch (error) {
      if (error !== ROLLBACK) throw error
    }
    return /** @type {Outcome} */ (outcome)
  }

  /** @param {import('./instance.mjs').Instance} instance @param {string} heading */
  #enter(instance, heading) {
    scope.recents.call = this
    try {
      const left = instance.run(heading, this.of.body ?? NOTHING, this)
      return this.#left(left.heading, left.body)
    } catch (error) {
      abandon()
      throw error
    } finally {
      scope.recents.call = null
    }
  }

  #heading() {
    const { operation = '', request, storage, idle, teamKey = '', team = '' } = this.of
    let text = operation + END + this.name + END + (storage ? '1' : '') + END + (idle ? '1' : '') + END + this.sockets.length + END +
      teamKey + END + team + END + (request?.method ?? '') + END + (request?.url ?? '') + END
    if (request === undefined) return text
    for (const name of READ) {
      const value = request.headers.get(name)
      if (value !== null) text += name + END + value + END
    }
    return text
  }

  /**
   * What Go has left, in the order of outcome.appendHeading.
   * @param {string} heading @param {Uint8Array<ArrayBuffer>} body
   * @typedef {{ status: number, failed: boolean, wakeAt: string, headers: [string, string][], body: Uint8Array<ArrayBuffer> }} Outcome
   * @returns {Outcome}
   */
  #left(heading, body) {
    const [status, failed, rollback, posted, wakeAt, missing, batch, ...rest] = heading.split(END)
    this.rollback = rollback !== ''
    this.posted = posted !== ''
    this.missingTeam = missing
    this.batch = batch
    /** @type {[string, string][]} */ const headers = []
    for (let i = 0; i + 1 < rest.length; i += 2) headers.push([rest[i], rest[i + 1]])
    return { status: Number(status), failed: failed !== '', wakeAt, headers, body }
  }
}

/**
 * Go's answer to a request that is not passed on to an object; with a refusal, a result code, Go says that.
 * @param {Request} request @param {Uint8Array | null} body @param {Record<string, unknown>} env
 */
export async function answer(request, body, env, refusal = 0) {
  const instance = await start(env)
  const asked = { body, refusal, ended: false }
  scope.recents.asked = asked
  try {
    const { method, url, headers } = request
    const response = instance.binding.handleRequest({ method, url, headers, body: null })
    if (!asked.ended) throw new Error('the call waits for something that no call may wait for')
    return await response
  } catch (error) {
    abandon()
    throw error
  } finally {
    scope.recents.asked = null
  }
}

/** A socket that closed meanwhile takes no frame, and needs none. */
function attempt(/** @type {() => void} */ step) {
  try {
    step()
  } catch (error) {
    console.debug('a socket takes no frame', error)
  }
}
