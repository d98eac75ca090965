import type { Leader, Store } from './store.js'
import { isVisible } from './page.js'

/** Tells that this tab leads from now on, or no more. */
export type Elected = (leads: boolean) => void

/** Decides which tab leads. The term that goes with it is the store's: what an older leader still writes is refused. */
export interface Election {
  /** Takes part: this tab leads as soon as nobody else does. */
  enter(): void
  /** Leads now, whoever does. */
  steal(): void
  /** Lets go, and takes part no more. */
  leave(): void
  /** To be called every few seconds. */
  tick(): void
}

/** How long a lease holds unless it is renewed, ms. */
const leaseTime = 20_000
/** How much longer a hidden tab leaves an expired lease alone, ms: a hidden leader's timers run once a minute. */
const hiddenPatience = 70_000

/** The election of this browser: by lock, or by a lease in storage where there are none, as on plain http. */
export function electionOf(store: Store, elected: Elected): Election {
  const locks = globalThis.navigator?.locks
  return locks ? new LockElection(locks, store, elected) : new LeaseElection(store, elected)
}

function randomId(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(16).padStart(8, '0')).join('')
}

/** Leads while it holds the account's Web Lock, which falls free by itself when a tab ends, however it ends. */
class LockElection implements Election {
  readonly #locks: LockManager
  readonly #store: Store
  readonly #elected: Elected
  readonly #id = randomId()
  #request: LockRequest | undefined

  constructor(locks: LockManager, store: Store, elected: Elected) {
    this.#locks = locks
    this.#store = store
    this.#elected = elected
  }

  enter(): void {
    if (!this.#request) this.#ask(false)
  }

  steal(): void {
    this.#request?.giveUp()
    this.#ask(true)
  }

  leave(): void {
    const request = this.#request
    this.#request = undefined
    request?.giveUp()
  }

  tick(): void {} // a lock needs no renewal

  #ask(steal: boolean): void {
    const request = (this.#request = new LockRequest())
    const options = steal ? { steal } : { signal: request.signal }
    this.#locks.request(this.#store.name, options, () => this.#hold(request)).catch(() => this.#lost(request))
  }

  /** Leads until the returned promise resolves. */
  async #hold(request: LockRequest): Promise<void> {
    if (this.#request !== request) return
    request.held = true // from here on a rejection means that it was stolen
    await this.#lead(request)
    if (this.#request === request) await request.released
  }

  /** Leads with a new term. A full disk takes none, and is read: with less than the stored term each write would be refused as an older leader's. */
  async #lead(request: LockRequest): Promise<void> {
    let before = 0 // which stays when storage failed: then this tab will go its own way
    const leader = await this.#store.lead((stored) => {
      before = stored?.term ?? 0
      return { term: before + 1, id: this.#id, until: 0 }
    })
    if (this.#request !== request) return
    this.#store.term = leader?.term ?? before
    this.#elected(true)
  }

  /** The lock was stolen, or there is none to be had, as in a sandboxed frame: then this tab leads without. */
  #lost(request: LockRequest): void {
    if (this.#request !== request) return
    if (!request.held) return void this.#lead(request)
    this.#elected(false)
    this.#ask(false)
  }
}

class LockRequest {
  held = false
  readonly released: Promise<void>
  #release!: () => void
  readonly #abort = new AbortController()

  constructor() {
    this.released = new Promise((resolve) => (this.#release = resolve))
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  giveUp(): void {
    this.#abort.abort()
    this.#release()
  }
}

/** Leads while it holds a lease in storage, which it renews. A clock that jumps may make two leaders for a while, which does no harm. */
export class LeaseElection implements Election {
  readonly #store: Store
  readonly #elected: Elected
  readonly #id = randomId()
  #entered = false
  #leads = false

  constructor(store: Store, elected: Elected) {
    this.#store = store
    this.#elected = elected
  }

  enter(): void {
    this.#entered = true
    void this.#try(false)
  }

  steal(): void {
    void this.#try(true)
  }

  leave(): void {
    this.#entered = this.#leads = false
    void this.#store.lead((stored) => (stored?.id === this.#id ? { ...stored, until: 0 } : undefined))
  }

  tick(): void {
    if (this.#entered) void this.#try(false)
  }

  async #try(steal: boolean): Promise<void> {
    const now = Date.now()
    let free: Leader | undefined // should the disk be full, which takes no lease and is read: better two leaders than none
    const taken = await this.#store.lead((stored) => {
      free = undefined // it may be asked twice
      if (!steal && !this.#isFree(stored, now)) return undefined
      const before = stored?.term ?? 0
      free = { term: before, id: this.#id, until: 0 }
      return { term: stored?.id === this.#id ? before : before + 1, id: this.#id, until: now + leaseTime }
    })
    const leader = taken ?? free
    const leads = this.#entered && leader?.id === this.#id
    if (leads) this.#store.term = leader.term
    if (leads === this.#leads) return
    this.#leads = leads
    this.#elected(leads)
  }

  #isFree(stored: Leader | undefined, now: number): boolean {
    if (!stored || stored.id === this.#id || stored.until === 0) return true
    const expired = stored.until + (isVisible() ? 0 : hiddenPatience) < now
    return expired || stored.until > now + leaseTime // by a clock that went back since
  }
}
