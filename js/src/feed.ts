import type { Client, ClientStatus, RecentSession, SessionKey } from './api.js'

/** What a {@link Feed} is of. */
interface Source<S> {
  /** Asks the client for what is shown, when `again`, and for what else is due; until `signal` is aborted. */
  read(again: boolean, signal: AbortSignal): Promise<void>
  updated(session: RecentSession): void
  deleted(keys: SessionKey[]): void
  /** The client is closed: what is shown is no longer the server's state. */
  closed(): void
  /** What is to be shown; the same object when nothing changed. */
  state(): S
}

/** The time between the first subscriber's coming and the last one's going. */
interface Run {
  readonly gone: AbortController
  reading: boolean
  due: boolean
  again: boolean
}

/**
 * Follows the account while somebody subscribes. One read runs at a time; whatever makes its answer stale meanwhile
 * leads to one more. Subscribers are told once for all that happens in one task.
 *
 * Events tell what others change. What this client's own writes change is seen by `status.pending`, which counts them
 * up when they show and down when the server has them; and a new connection changes whose state an answer is.
 */
export class Feed<S extends { readonly fresh: boolean }> {
  readonly #client: Client
  readonly #source: Source<S>
  readonly #listeners = new Set<() => void>()
  #shown: S
  #telling = false
  #run: Run | undefined
  #unhear = (): void => {}

  constructor(client: Client, source: Source<S>) {
    this.#client = client
    this.#source = source
    this.#shown = source.state()
  }

  readonly getSnapshot = (): S => this.#shown

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = (): void => listener() // so that one function subscribing twice is told twice
    this.#listeners.add(own)
    if (this.#listeners.size === 1) this.#start()
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#stop()
    }
  }

  /** Something may have changed. */
  changed(): void {
    if (this.#telling) return
    this.#telling = true
    queueMicrotask(() => {
      this.#telling = false
      const next = this.#source.state()
      if (next === this.#shown) return
      this.#shown = next
      for (const listener of [...this.#listeners]) listener()
    })
  }

  /** Reads, now or after the read that is under way; when `again`, what is shown as well. */
  read(again: boolean): void {
    const run = this.#run
    if (!run) return // whoever comes first reads everything
    run.due = true
    run.again ||= again
    if (!run.reading) void this.#work(run)
  }

  async #work(run: Run): Promise<void> {
    run.reading = true
    while (run.due && !run.gone.signal.aborted) {
      const { again } = run
      run.due = run.again = false
      await this.#source.read(again, run.gone.signal)
      this.changed()
    }
    run.reading = false
  }

  #start(): void {
    const { messageService, onStatus, status } = this.#client
    let known = status
    const heard = [
      messageService.onMySessionUpdate.listen((session) => this.#source.updated(session)),
      messageService.onMySessionDelete.listen((keys) => this.#source.deleted(keys)),
      onStatus.listen((status) => {
        const stale = makesStale(known, status, this.#shown.fresh)
        known = status
        if (status.connection === 'closed') this.#source.closed()
        else if (stale) this.read(true)
      }),
    ]
    this.#unhear = () => heard.forEach((each) => each.cancel())
    this.#run = { gone: new AbortController(), reading: false, due: false, again: false }
    this.read(true)
  }

  #stop(): void {
    this.#unhear()
    this.#run?.gone.abort()
    this.#run = undefined
  }
}

/**
 * Whether an answer of before may not be what it would be now. The first cursor is that of the first whole copy, whose
 * rows are no events. A later one may bring a tab that follows another into step, of which its connection says nothing.
 */
function makesStale(before: ClientStatus, now: ClientStatus, fresh: boolean): boolean {
  const moved = before.cursor !== now.cursor && (!fresh || before.cursor === '')
  return before.connection !== now.connection || before.pending !== now.pending || moved
}
