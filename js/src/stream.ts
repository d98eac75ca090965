import type { EventStream } from './api.js'
import type { Log } from './log.js'

/** How many events wait for an iterator that does not ask for them, before it ends. */
const maxWaiting = 1000

/** An {@link EventStream} and its source. */
export class Broadcast<T> implements EventStream<T> {
  readonly #name: string
  readonly #log: Log
  readonly #listeners = new Set<(event: T) => void>()
  readonly #queues = new Set<Queue<T>>()
  #ended = false

  constructor(name: string, log: Log) {
    this.#name = name
    this.#log = log
  }

  listen(listener: (event: T) => void): { cancel(): void } {
    if (typeof listener !== 'function') {
      this.#log('error', `${this.#name}.listen: the listener is a ${typeof listener}`)
      return { cancel() {} }
    }
    const own = (event: T): void => listener(event) // so that one function listening twice hears twice
    if (!this.#ended) this.#listeners.add(own)
    return { cancel: () => void this.#listeners.delete(own) }
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const queue = new Queue<T>(() => this.#queues.delete(queue))
    if (this.#ended) queue.end()
    else this.#queues.add(queue)
    return queue
  }

  /** Gives everybody the event. One that throws keeps it from nobody else. */
  emit(event: T): void {
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) this.#tell(listener, event)
    }
    for (const queue of [...this.#queues]) {
      if (queue.push(event)) continue
      this.#log('warn', `${this.#name}: an iterator was ended, since ${maxWaiting} events waited for it`)
      queue.end()
    }
  }

  /** Ends the iterators, each after what still waits for it; nobody hears anything more. */
  end(): void {
    this.#ended = true
    this.#listeners.clear()
    for (const queue of [...this.#queues]) queue.end()
  }

  #tell(listener: (event: T) => void, event: T): void {
    try {
      listener(event)
    } catch (error) {
      this.#log('error', `${this.#name}: a listener threw`, { error })
    }
  }
}

/** The events that wait for one `for await`. */
class Queue<T> implements AsyncIterator<T, undefined> {
  readonly #events: T[] = []
  readonly #asking: ((result: IteratorResult<T, undefined>) => void)[] = []
  readonly #onEnd: () => void
  #ended = false

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  /** Adds an event; false when too many wait already. */
  push(event: T): boolean {
    const asking = this.#asking.shift()
    if (asking) asking({ done: false, value: event })
    else if (this.#events.length === maxWaiting) return false
    else this.#events.push(event)
    return true
  }

  end(): void {
    this.#ended = true
    this.#onEnd()
    for (const asking of this.#asking.splice(0)) asking({ done: true, value: undefined })
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#events.length > 0) return { done: false, value: this.#events.shift()! }
    if (this.#ended) return { done: true, value: undefined }
    return new Promise((resolve) => this.#asking.push(resolve))
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#events.length = 0
    this.end()
    return { done: true, value: undefined }
  }
}
