import { nextTask } from './page.js'
import { FrameSeparator } from './wire.gen.js'

/** How much of a burst is handed over in one task, UTF-16 code units: a few ms on a phone. */
const longestBurst = 24 << 10

/** How much may wait, UTF-16 code units: some seconds of work for the core on a phone. */
const mostWaiting = 8 << 20

const separator = String.fromCharCode(FrameSeparator)

/**
 * Gathers the frames of a socket that come close together. The first one is handed over as it comes; those that
 * follow before the page's next task go together, since what the core does for a frame is little beside what it does
 * for an event. Of many, each task takes some, and none while the core still has enough to do.
 */
export class Burst {
  readonly #take: (frames: string) => void
  readonly #isBusy: () => boolean
  readonly #drown: () => void
  #waiting: string[] = []
  #length = 0 // of those
  #gathering = false

  /** `take` gets one frame, or several with FrameSeparator between; `drown` is called when more came than may wait, which is dropped. */
  constructor(take: (frames: string) => void, isBusy: () => boolean, drown: () => void) {
    this.#take = take
    this.#isBusy = isBusy
    this.#drown = drown
  }

  add(frame: string): void {
    if (this.#gathering || this.#isBusy()) this.#wait(frame)
    else this.#take(frame)
    this.#gather()
  }

  /** Hands over all that waits. */
  flush(): void {
    if (this.#waiting.length > 0) this.#handOver(this.#waiting.length)
  }

  #wait(frame: string): void {
    this.#waiting.push(frame)
    this.#length += frame.length
    if (this.#length <= mostWaiting) return
    this.#waiting = []
    this.#length = 0
    this.#drown()
  }

  #handOver(count: number): void {
    const frames = this.#waiting.splice(0, count)
    for (const { length } of frames) this.#length -= length
    this.#take(frames.join(separator))
  }

  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    void nextTask().then(() => {
      this.#gathering = false
      if (this.#waiting.length > 0) this.#go()
    })
  }

  #go(): void {
    if (!this.#isBusy()) this.#handOver(this.#count())
    this.#gather()
  }

  /** How many of those that wait go together. */
  #count(): number {
    let count = 0
    for (let length = 0; count < this.#waiting.length && length < longestBurst; count++) length += this.#waiting[count]!.length
    return count
  }
}
