// @ts-check
/** The one Go instance of this isolate, and the bytes that cross into it and out of it. */
import { Go as Loader, scope } from 'edge_wasm_exec'
import wasm from './recents-edge.wasm'

/**
 * What an instance has beside its memory, mem.
 * @typedef {{
 *   input(length: number): number, enter(number: number, heading: number, body: number): number, resume(): void,
 *   outcomeHeading(): number, outcomeHeadingLength(): number, outcomeBody(): number, outcomeBodyLength(): number,
 *   mem: WebAssembly.Memory,
 * }} Exports
 */

/** Whose statements a call runs: rows of values. @typedef {{ rows(query: string, args: any[]): Iterable<any[]> }} Storage */

const encoder = new TextEncoder(), decoder = new TextDecoder()

/** Go runs what waits beside the calls, its collector above all, only when it is told to; often enough is one in so many calls. */
const RESUME = 4

export class Instance {
  /** @type {Exports} */ #go
  /** @type {string[]} */ #queries = []
  /** @type {number[]} */ #cells = []
  #texts = ''
  #calls = 0
  /** @type {Storage | null} */ #storage = null
  /** Go's own door for the platform's requests. @type {{ handleRequest(request: object): Promise<Response> }} */ binding

  /** @param {Exports} go @param {{ handleRequest(request: object): Promise<Response> }} binding */
  constructor(go, binding) {
    this.#go = go
    this.binding = binding
  }

  /** What Go calls, of the instance that there is by then. @param {() => Instance} of */
  static imports(of) {
    return {
      prepare: (/** @type {number} */ number, /** @type {number} */ at, /** @type {number} */ length) => { of().#queries[number] = of().#text(at, length) },
      query: (/** @type {number} */ number, /** @type {number} */ at, /** @type {number} */ length) => of().#query(number, at, length),
      length: () => of().#texts.length,
      take: (/** @type {number} */ cells, /** @type {number} */ texts) => of().#take(cells, texts),
    }
  }

  /**
   * Runs a call from its beginning to its end. Throws when Go did not come to the end of it; the instance is of no use then.
   * @param {string} heading @param {Uint8Array} body @param {Storage} storage
   * @returns {{ heading: string, body: Uint8Array<ArrayBuffer> }} of the outcome
   */
  run(heading, body, storage) {
    const go = this.#go, room = 3 * heading.length + body.length
    const at = go.input(room)
    const into = new Uint8Array(go.mem.buffer, at, room)
    const { written } = encoder.encodeInto(heading, into)
    into.set(body, written)
    this.#storage = storage
    const number = ++this.#calls & 0x7fff_ffff
    if (go.enter(number, written, body.length) !== number) throw new Error('the call waits for something that no call may wait for')
    this.#storage = null
    const outcome = {
      heading: this.#text(go.outcomeHeading(), go.outcomeHeadingLength()),
      body: new Uint8Array(go.mem.buffer, go.outcomeBody(), go.outcomeBodyLength()).slice(),
    }
    if (number % RESUME === 0) go.resume()
    return outcome
  }

  /** @param {number} at @param {number} length */
  #text(at, length) {
    return decoder.decode(new Uint8Array(this.#go.mem.buffer, at, length))
  }

  /** Runs a statement; an exception is a result of one text, and a number under 0. @param {number} number @param {number} at @param {number} length */
  #query(number, at, length) {
    try {
      return this.#keep(/** @type {Storage} */ (this.#storage).rows(this.#queries[number], JSON.parse(this.#text(at, length))))
    } catch (error) {
      this.#cells = []
      this.#texts = String(error)
      return -1
    }
  }

  /**
   * Keeps a result until Go takes it: a number for each value, behind the number of columns, and all texts in one. Go cuts
   * them by their lengths, which are halves to tell them from numbers.
   * @param {Iterable<any[]>} rows
   */
  #keep(rows) {
    /** @type {number[]} */ const cells = []
    let texts = ''
    for (const row of rows) {
      if (cells.length === 0) cells.push(row.length)
      for (const value of row) {
        if (typeof value === 'string') {
          texts += value
          cells.push(value.length + 0.5)
        } else {
          cells.push(value ?? NaN)
        }
      }
    }
    this.#cells = cells
    this.#texts = texts
    return cells.length
  }

  /** @param {number} cells @param {number} texts */
  #take(cells, texts) {
    const { buffer } = this.#go.mem
    new Float64Array(buffer, cells, this.#cells.length).set(this.#cells)
    return encoder.encodeInto(this.#texts, new Uint8Array(buffer, texts, 3 * this.#texts.length)).written
  }
}

/** @type {Promise<Instance> | undefined} */
let running

/**
 * Starts the instance when there is none: in the first event, since the runtime gives no randomness before, and again after
 * one has died.
 * @param {Record<string, unknown>} env
 */
export function start(env) {
  const started = running ?? launch(env).catch(error => {
    running = undefined
    throw error
  })
  running = started
  return started
}

/** What is left of the instance is in no known state: the next call starts another. */
export function abandon() {
  running = undefined
}

/** @param {Record<string, unknown>} env */
async function launch(env) {
  const go = new Loader()
  go.env = { GOGC: '400' } // what lives is 2 MB: at 100 a collection came every ten lists, and was a tenth of their time
  const binding = /** @type {{ handleRequest(request: object): Promise<Response> }} */ ({})
  scope.context = { binding }
  scope.recents = { env, call: null, asked: null }
  /** @type {Instance} */ let instance
  const started = await WebAssembly.instantiate(wasm, { ...go.importObject, workers: { ready() {} }, recents: Instance.imports(() => instance) })
  instance = new Instance(/** @type {any} */ (started.exports), binding)
  go.exit = abandon
  void go.run(started)
  return instance
}

export { scope }
