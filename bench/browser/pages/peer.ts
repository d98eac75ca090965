/** What a page of one side can be told to do. All but `fill` are measured, in the page and by its own clock. */
export interface Peer {
  /** Holds so many sessions, from nothing. */
  fill(count: number): Promise<void>
  /** Asks for the newest 100 so many times, one after the other. Returns ms a time. */
  page?(times: number): Promise<number>
  /** Asks for so many pages of 100, each below the one before, from the newest on. Returns ms a page. */
  paging?(pages: number): Promise<number>
  /** Stores so many sessions, from nothing. Returns ms. */
  write?(count: number): Promise<number>
  /** Takes so many changes of single sessions among those held, `each` at once, tells of each and stores it. Returns changes a second. */
  update?(count: number, each: number): Promise<number>
}

declare global {
  interface Window {
    bench: Peer
  }
}

/** Measures `times` runs, each after the one before. Returns ms a run. */
export async function each(times: number, run: () => Promise<unknown[]>): Promise<number> {
  const began = performance.now()
  for (let i = 0; i < times; i++) {
    const { length } = await run()
    if (length !== 100) throw new Error(`a page of ${length}`)
  }
  return (performance.now() - began) / times
}

/** A listener that an app would have: it looks at what it is told. */
export class Listener {
  told = 0
  #awaited = Infinity
  #reached = (): void => {}

  readonly hear = ({ updateTime }: { updateTime: number }): void => {
    if (updateTime > 0) this.told++
    if (this.told >= this.#awaited) this.#reached()
  }

  /** Resolves when it was told of so many. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = count
      this.#reached = resolve
      if (this.told >= count) resolve()
    })
  }
}
