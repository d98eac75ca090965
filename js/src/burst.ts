import { nextTask } from './page.js'
import { FrameSeparator } from './wire.gen.js'

/** How much of a burst waits for its task, UTF-16 code units: a task of a few ms on a phone. */
const longestBurst = 32 << 10

const separator = String.fromCharCode(FrameSeparator)

/**
 * Gathers the frames of a socket that come close together. The first one is handed over as it comes; those that
 * follow before the page's next task go as one, since what the core does for a frame is little beside what it does for
 * an event.
 */
export class Burst {
  readonly #take: (frames: string) => void
  #waiting: string[] = []
  #length = 0
  #gathering = false

  /** `take` gets one frame, or several with {@link separator} between. */
  constructor(take: (frames: string) => void) {
    this.#take = take
  }

  add(frame: string): void {
    if (!this.#gathering) {
      this.#gathering = true
      this.#take(frame)
      void nextTask().then(() => this.#go())
      return
    }
    this.#waiting.push(frame)
    this.#length += frame.length
    if (this.#length > longestBurst) this.flush()
  }

  /** Hands over what waits: something else happened, which must not overtake it. */
  flush(): void {
    if (this.#waiting.length === 0) return
    const frames = this.#waiting.join(separator)
    this.#waiting = []
    this.#length = 0
    this.#take(frames)
  }

  #go(): void {
    if (this.#waiting.length === 0) {
      this.#gathering = false
      return
    }
    this.flush()
    void nextTask().then(() => this.#go())
  }
}
