import { scope } from 'wasm_exec'

import { decodeEffects, textIn, type Effect } from './effects.js'
import { nextTask } from './page.js'
import { textOf } from './result.js'

/** The exports of recents.wasm, as wasm/browser has them. */
interface Exports {
  mem: WebAssembly.Memory
  input(length: number): number
  handle(kind: number, now: number, id: number, code: number, after: number): number
  output(): number
  outputLen(): number
  collect(percent: number): void
  breathe(): void
}

/** How many events the collector may wait for its share. */
const callsPerBreath = 256

/** For loading, which leaves next to no garbage: to collect it on the way took half of a load's time. */
const environment = { GOGC: 'off' }
/** By how many percent the memory in use grows between two collections then. Measured with 10,000 sessions, from their first listing: 15 MB of memory with 100, and a slower core with less. */
const growth = 100

const encoder = new TextEncoder()
/** Where texts are encoded: the longest is a burst of frames, or a frame, of some 60,000 UTF-16 code units at three bytes each. A new buffer for each is garbage outside of the page's heap, which is dear. */
const scratch = new Uint8Array(192 << 10)

/** One instance of the core. It dies of a panic or of a full memory, and is of no use after that. */
export class Machine {
  readonly #exports: Exports
  #dead = ''
  #calls = 0

  private constructor(exports: Exports) {
    this.#exports = exports
  }

  /** Starts a new instance of the program. */
  static async start(program: WebAssembly.Module): Promise<Machine> {
    const go = new scope.Go()
    go.env = environment
    const instance = await WebAssembly.instantiate(program, go.importObject)
    await nextTask() // to make it takes long, and to start it too
    const machine = new Machine(instance.exports as unknown as Exports)
    lastWords = ''
    go.exit = (code) => (machine.#dead ||= reason() || `exit code ${code}`)
    go.run(instance).catch((error: unknown) => (machine.#dead ||= textOf(error)))
    return machine
  }

  /** Hands over one event and returns its effects, whose data are the core's memory until the next event. Throws when the instance is dead. */
  handle(kind: number, id: number, code: number, after: number, data: Uint8Array | string): Effect[] {
    try {
      this.#check()
      if (data.length > 0) this.#write(typeof data === 'string' ? encoded(data) : data)
      const status = this.#exports.handle(kind, Date.now(), id, code, after)
      this.#check()
      if (status === 0 && ++this.#calls % callsPerBreath === 0) this.breathe() // before the view, which it would detach if the memory grew
      const out = this.#read()
      if (status !== 0) throw new Error(textIn(out))
      return decodeEffects(out)
    } catch (error) {
      this.#dead ||= textOf(error)
      throw error
    }
  }

  /** Has garbage collected from now on: due once a list is loaded. */
  collect(): void {
    if (!this.#dead) this.#exports.collect(growth)
  }

  /** Lets the collector have its share of the time, once it collects: due once in a task. Returns how long it took, ms. */
  breathe(): number {
    if (this.#dead) return 0
    const began = performance.now()
    this.#exports.breathe()
    return performance.now() - began
  }

  #write(data: Uint8Array): void {
    const at = this.#exports.input(data.length) >>> 0
    this.#check()
    // A view of now: when the memory grows, every older one is detached.
    new Uint8Array(this.#exports.mem.buffer, at, data.length).set(data)
  }

  #read(): Uint8Array<ArrayBuffer> {
    const at = this.#exports.output() >>> 0
    return new Uint8Array(this.#exports.mem.buffer as ArrayBuffer, at, this.#exports.outputLen())
  }

  #check(): void {
    if (this.#dead) throw new Error(this.#dead)
  }
}

/** The text's bytes, until the next one's. */
function encoded(text: string): Uint8Array {
  return text.length * 3 > scratch.length ? encoder.encode(text) : scratch.subarray(0, encoder.encodeInto(text, scratch).written)
}

/** What the runtime wrote to its standard error, where it says why it ends. */
let lastWords = ''

const decoder = new TextDecoder()

scope.fs.writeSync = (_fd, bytes) => {
  lastWords = (lastWords + decoder.decode(bytes)).slice(0, 2000)
  return bytes.length
}

function reason(): string {
  return /^(?:fatal error|panic|runtime): .*$/m.exec(lastWords)?.[0] ?? ''
}
