import { nextTask } from './page.js'
import { FrameSeparator } from './wire.gen.js'

/** How much of a burst is handed over in one task, UTF-16 code units: a few ms on a phone. */
const longestBurst = 24 << 10

const separator = String.fromCharCode(FrameSeparator)

/**
 * Gathers the frames of a socket that come close together. The first one is handed over as it comes; those that
 * follow before the page's next task go together, since what the core does for a frame is little beside what it does
 * for an event. Of many, each task takes some, and none while the core still has enough to do.
 */
export class Burst {
  readonly #take: (frames: string) => void
  readonly #isBusy: () => boolean
  #waiting: string[] = []
  #gathering = false

  /** `take` gets one frame, or several with FrameSeparator between. */
  constructor(take: (frames: string) => void, isBusy: () => boolean) {
    this.#take = take
    this.#isBusy = isBusy
  }

  add(frame: string): void {
    if (this.#gathering || this.#isBusy()) this.#waiting.push(frame)
    else this.#take(frame)
    this.#gather()
  }

  /** Hands over all that waits. */
  flush(): void {
    if (this.#waiting.length > 0) this.#take(this.#waiting.splice(0).join(separator))
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
    if (!this.#isBusy()) this.#take(this.#waiting.splice(0, this.#count()).join(separator))
    this.#gather()
  }

  /** How many of those that wait go together. */
  #count(): number {
    let count = 0
    for (let length = 0; count < this.#waiting.length && length < longestBurst; count++) length += this.#waiting[count]!.length
    return count
  }
}
