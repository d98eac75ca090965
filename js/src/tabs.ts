import { electionOf, LeaseElection, type Election } from './election.js'
import { isVisible } from './page.js'
import type { Store } from './store.js'

/** What a core hears of the tabs of its account. */
export interface TabEvents {
  /** This tab leads from now on, or follows. */
  role(leads: boolean): void
  /** The leader tells of itself: the data of EvLeader. */
  leader(status: string): void
  /** Another tab changed what is stored. */
  changed(): void
  /** The leader told what the server said against a write: the data of EvRefused. */
  refused(data: string): void
  /** Another tab wiped the account. */
  wiped(): void
}

/** What a leader is, to the other tabs. */
export interface LeaderStatus {
  connection: string
  cursor: string
  lastError: string
  /** No change would be told now, before the leader asks again. */
  rests: boolean
}

/** A message on the channel: that something happened, never a row. */
type Message =
  | { kind: 'hello' | 'changed' | 'free' | 'wiped' }
  | { kind: 'leader'; status: string; age: number }
  | { kind: 'refused'; data: string }

/** The version of the messages; those of others are ignored. */
const version = 1
/** How often a leader tells that it lives, ms. */
const beat = 10_000
/** How long a leader may be silent before a visible tab takes its place, ms: a frozen one keeps its lock. */
const silence = 45_000
/** How close together a leader that is seen tells what changed, ms: in a burst each frame would be a message to every tab. */
const burst = 20
/** How long a leader has to answer where its lease may be that of a tab that crashed, ms. */
const answerPatience = 2000

const unknown: LeaderStatus = { connection: 'connecting', cursor: '', lastError: '', rests: false }

/** The tabs of one account and origin, as one of them sees them: which leads, and what they tell each other. */
export class Tabs {
  readonly #store: Store
  readonly #election: Election
  #channel: BroadcastChannel | undefined
  #events: TabEvents | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #doubting: ReturnType<typeof setTimeout> | undefined
  #electing: ReturnType<typeof setTimeout> | undefined
  #telling: ReturnType<typeof setTimeout> | undefined
  #told = 0 // when this leader told of itself last
  #leads = false
  #own = unknown
  #others = '' // as the leader told last
  #heard = 0 // when a leader was last known to live
  #answered = false // since entering
  #entered = 0
  #ticked = 0

  /** Takes part at once, so that it is known who leads when the core is there. */
  constructor(store: Store) {
    this.#store = store
    this.#election = electionOf(store, (leads) => this.#elected(leads))
    this.enter()
  }

  get leads(): boolean {
    return this.#leads
  }

  /**
   * Tells the core of everything from now on, and at once of what is not as it
   * believed. With `patient`, one that believes to lead goes on until it is clear
   * that another tab does: the election has only begun.
   */
  listen(events: TabEvents, believed: boolean, patient = false): void {
    this.#events = events
    if (patient) this.#electing = setTimeout(() => this.#decide(believed), answerPatience)
    else this.#decide(believed)
  }

  #decide(believed: boolean): void {
    const events = this.#events
    if (!events) return
    if (this.#leads !== believed) events.role(this.#leads)
    if (this.#leads) return
    if (this.#others) events.leader(this.#others)
    events.changed() // maybe it was, since storage was read
  }

  /** Takes part, again when it has left. */
  enter(): void {
    if (this.#channel) {
      this.#post({ kind: 'hello' }) // whatever was believed may be stale
      return
    }
    this.#channel = new BroadcastChannel(this.#store.name)
    this.#channel.onmessage = ({ data }) => this.#hear(data)
    this.#heard = this.#ticked = this.#entered = performance.now()
    this.#answered = false
    this.#timer = setInterval(() => this.#tick(), beat)
    this.#post({ kind: 'hello' })
    this.#election.enter()
    if (this.#election instanceof LeaseElection) this.#doubting = setTimeout(() => this.#doubt(), answerPatience)
  }

  /** Lets another tab lead, and hears nothing until it enters again. */
  leave(): void {
    if (!this.#channel) return
    clearInterval(this.#timer)
    clearTimeout(this.#doubting)
    clearTimeout(this.#telling)
    this.#telling = undefined
    if (this.#leads) this.#elected(false)
    this.#election.leave()
    this.#post({ kind: 'free' })
    this.#channel.close() // an open one keeps a page out of the back/forward cache
    this.#channel = undefined
  }

  /** Leaves for good. */
  stop(): void {
    this.#events = undefined
    clearTimeout(this.#electing)
    this.leave()
  }

  /** Storage refused a write of this tab, since another one leads. */
  fenced(): void {
    this.#election.leave()
    if (this.#leads) this.#elected(false)
    else this.#events?.role(false) // it believed to lead
    if (this.#channel) this.#election.enter()
  }

  /** Tells the others how this leader is. */
  tell({ connection, cursor, lastError, rests }: LeaderStatus): void {
    this.#own = { connection, cursor, lastError, rests }
    const wait = this.#told + burst - performance.now()
    if (wait <= 0 || !isVisible()) return this.#beat() // a hidden page's timers may come a minute late
    this.#telling ??= setTimeout(() => this.#beat(), wait)
  }

  /** Tells the others that this tab changed what is stored. */
  changed(): void {
    this.#post({ kind: 'changed' })
  }

  /** Tells the others what became of a write of one of them. */
  refused(data: string): void {
    this.#post({ kind: 'refused', data })
  }

  /** Tells the others that the account is wiped. */
  wiped(): void {
    this.#post({ kind: 'wiped' })
  }

  #elected(leads: boolean): void {
    if (leads === this.#leads) return
    this.#leads = leads
    this.#heard = performance.now()
    this.#own = unknown
    this.#beat()
    this.#events?.role(leads)
  }

  #tick(): void {
    const now = performance.now()
    // A page that did not run itself knows nothing of the leader: it gets time to answer.
    if (now - this.#ticked > 2 * beat) this.#heard = Math.max(this.#heard, now - silence + beat)
    this.#ticked = now
    this.#election.tick()
    if (this.#leads) this.#beat()
    else if (now - this.#heard > silence) this.#missLeader()
  }

  #missLeader(): void {
    this.#events?.leader(JSON.stringify(unknown))
    if (isVisible()) this.#election.steal()
  }

  /** Takes the place of a leader that has never been heard. */
  #doubt(): void {
    if (this.#channel && !this.#leads && !this.#answered) this.#election.steal()
  }

  /**
   * A frozen page still answers messages, so an answer says when its timers last ran. One whose core has not come
   * leads nobody: it gets as long as a silent one.
   */
  #beat(): void {
    clearTimeout(this.#telling)
    this.#telling = undefined
    this.#told = performance.now()
    const lived = this.#events ? this.#ticked : this.#entered
    if (this.#leads) this.#post({ kind: 'leader', status: JSON.stringify(this.#own), age: performance.now() - lived })
  }

  #post(message: Message): void {
    this.#channel?.postMessage({ v: version, ...message })
  }

  #hear(data: unknown): void {
    const message = readMessage(data)
    switch (message?.kind) {
      case 'hello': return this.#beat()
      case 'free': return this.#election.tick()
      case 'changed': return this.#events?.changed()
      case 'refused': return this.#events?.refused(message.data)
      case 'wiped': return this.#events?.wiped()
      case 'leader': return this.#hearLeader(message.status, message.age)
    }
  }

  #hearLeader(status: string, age: number): void {
    this.#answered = true
    this.#others = status
    this.#heard = Math.max(this.#heard, performance.now() - age)
    this.#events?.leader(status)
  }
}

/** Reads what came on the channel, where any script of the origin can post: undefined for what no version 1 posts. */
export function readMessage(data: unknown): Message | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const { v, kind, status, age, data: text } = data as Record<string, unknown>
  if (v !== version) return undefined
  switch (kind) {
    case 'hello':
    case 'changed':
    case 'free':
    case 'wiped':
      return { kind }
    case 'leader':
      return typeof status === 'string' && typeof age === 'number' && age >= 0 ? { kind, status, age } : undefined
    case 'refused':
      return typeof text === 'string' ? { kind, data: text } : undefined
    default:
      return undefined
  }
}
