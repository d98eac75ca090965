import type { ClientStatus, NIMResult, RecentSession, SessionKey, SettledWrite } from './api.js'
import { decodeBatch } from './batch.js'
import { Burst } from './burst.js'
import { sessionsIn, textIn, type Effect } from './effects.js'
import { Kept } from './kept.js'
import type { Log } from './log.js'
import { Machine } from './machine.js'
import { isOnline, nextTask, watchPage } from './page.js'
import type { Remote, Socket } from './remote.js'
import { textOf } from './result.js'
import type { Settings } from './settings.js'
import type { Store, Stored } from './store.js'
import { Tabs, type TabEvents } from './tabs.js'
import {
  EvAbort, EvCall, EvChanged, EvChunk, EvClose, EvClosed, EvFrame, EvGoOn, EvLeader, EvLoad, EvLoaded, EvNetwork, EvOpened, EvQueued, EvRefused, EvResponse,
  EvRole, EvStart, EvStored, EvTimer, EvWake, FetchFresh, FetchSlow, FxCancel, FxChunk, FxClosed, FxDeletes, FxDial, FxFetch, FxForget, FxHangup, FxOutbox, FxPause, FxRefused, FxReply,
  FxReread, FxSend, FxSettled, FxStatus, FxStore, FxTexts, FxTimer, FxUpdates,
} from './wire.gen.js'

/** The client, as the core sees it. */
export interface Host {
  readonly settings: Settings
  readonly store: Store | undefined
  readonly remote: Remote
  /** Settles call `id`. */
  reply(id: number, result: NIMResult<never>): void
  updated(sessions: RecentSession[]): void
  deleted(keys: SessionKey[]): void
  settled(write: SettledWrite): void
  status(status: ClientStatus): void
  /** Another tab wiped the account. */
  wiped(): void
  /** The loaded instance is dead; what it was asked will not be answered. */
  died(why: string): void
}

/** What FxStatus carries: the app's status, and what the tabs that follow have to know beside it. */
interface CoreStatus extends ClientStatus {
  /** No change would be told now, before this tab asks again. */
  rests: boolean
}

/** A timer of the core's. */
interface Timer {
  /** When its timeout runs out, ms. */
  due: number
  /** When it was put off to: `due`, or later. */
  put: number
  timeout: ReturnType<typeof setTimeout>
}

interface Event {
  kind: number
  id?: number
  code?: number
  after?: number
  data?: Uint8Array | string
}

/** How long nothing else of the page may run while stored rows are loaded, ms. */
const longestTask = 3
/** How long a task may be that goes on with more of the core's work, ms: the way to the next task is as long as some slices of that. */
const shortTask = 1
/** How often one may, whatever the clock says: some browsers' stands still for 100 ms, lest a page be told by its speed. */
const mostSlices = 8
/** How long a list may take before garbage is collected, ms: one that fails again and again leaves what had come of it. */
const longestLoad = 3000
/** How long after events the collector gets its share again, ms, and twice as long after each time that it did nothing: it takes no more than 30% of the time since it began, and what is left open makes the next event dear. */
const firstRest = 8
/** After which rest without anything done it is through, ms. */
const lastRest = 256
/** A breath in which the collector did something, ms. */
const longBreath = 0.2
/** How long closing waits for the last write to storage, ms. */
const closePatience = 3000
/** The close code of one that cannot keep up (sync.md). */
const tooSlow = 4408
/** The largest wait that setTimeout takes. */
const longestTimer = 2 ** 31 - 1

export { differences } from './gap.js' // which only a page that has the core needs

/** Starts the core with what is stored, of a program that may be on its way still. Rejects when that cannot be had. */
export async function startCore(host: Host, program: Promise<WebAssembly.Module>, gone: AbortSignal): Promise<Core> {
  if (globalThis.isSecureContext === false) tellOfPlainHttp(host.settings.log)
  const tabs = tabsOf(host)
  const leads = tabs?.leads ?? true // asked before storage is read: an older leader may write until then
  const reading = host.store?.load() // while the program is on its way
  try {
    const compiled = await unless(gone, program)
    await nextTask() // each of these steps is long
    const machine = await Machine.start(compiled)
    await nextTask()
    const core = new Core(host, machine, tabs)
    await core.load(leads, reading)
    return core
  } catch (error) {
    tabs?.stop()
    throw error
  }
}

/** What a promise comes to; rejects as soon as the signal is aborted. */
function unless<T>(gone: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('the client is closed'))
    if (gone.aborted) abort()
    gone.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => gone.removeEventListener('abort', abort))
  })
}

let told = false

/** Says once what a page that came over plain http goes without: an app may not know that it is served so. */
function tellOfPlainHttp(log: Log): void {
  if (told) return
  told = true
  log('warn', 'this page is no secure context (plain http): tabs elect their leader by a lease in storage, which takes up to 20 s after a crash, and nothing can be encrypted')
}

/** The tabs of the account, with this one among them; undefined where they cannot hear each other, or share nothing. */
function tabsOf({ store }: Host): Tabs | undefined {
  try {
    return store && 'BroadcastChannel' in globalThis ? new Tabs(store) : undefined
  } catch {
    return undefined // Firefox has one, and lets nobody make it where cookies are blocked
  }
}

/** The replica and what it runs on: events go in, and what its effects say is done, in order. */
export class Core {
  readonly #host: Host
  readonly #machine: Machine
  #tabs: Tabs | undefined
  readonly #events: Event[] = []
  readonly #timers = new Map<number, Timer>()
  readonly #sockets = new Map<number, Socket>()
  readonly #kept = new Kept()
  #paused = false // the core has more to do, when the page had its turn
  readonly #requests = new AbortController()
  #chunks: { id: number; list: Uint8Array<ArrayBuffer>[] } = { id: 0, list: [] } // of the batch that FxStore will bring
  #handling = false
  #began = 0 // to handle events, ms
  #slices = 0 // that followed within the task
  #breath: ReturnType<typeof setTimeout> | undefined // the next one
  #rest = firstRest // before the one after that
  #known = false // there is a list, of storage or of the server
  #collector: ReturnType<typeof setTimeout> | undefined // has garbage collected
  #stopped = false
  #loaded = false
  #whyDead = ''
  readonly #tabEvents: TabEvents = {
    role: (leads) => this.#send({ kind: EvRole, code: Number(leads) }),
    leader: (status) => this.#send({ kind: EvLeader, data: status }),
    changed: () => this.#send({ kind: EvChanged }),
    refused: (data) => this.#send({ kind: EvRefused, data }),
    wiped: () => this.#host.wiped(),
  }
  #unwatch = (): void => {}
  #closed = (): void => {}

  /** Without `tabs`, this tab is on its own. */
  constructor(host: Host, machine: Machine, tabs: Tabs | undefined) {
    this.#host = host
    this.#machine = machine
    this.#tabs = tabs
  }

  /** Gives the replica its configuration and what is stored, and with that the page's events. `leads`: whether this tab did before storage was read. */
  async load(leads: boolean, reading: Promise<Stored | undefined> | undefined): Promise<void> {
    const online = isOnline()
    this.#send({ kind: EvStart, data: this.#config(online, leads) })
    if (reading) await this.#feed(await reading)
    if (this.#stopped) throw new Error(this.#whyDead)
    this.#loaded = true
    this.#collectSoon()
    this.#unwatch = watchPage({
      network: (on) => this.#send({ kind: EvNetwork, code: Number(on) }),
      woke: () => {
        this.#tabs?.enter()
        this.#send({ kind: EvWake })
      },
      left: () => this.#tabs?.leave(),
    })
    this.#tabs?.listen(this.#tabEvents, leads)
    if (isOnline() !== online) this.#send({ kind: EvNetwork, code: Number(!online) })
  }

  call(id: number, kind: number, body: string): void {
    this.#send({ kind: EvCall, id, code: kind, data: body })
  }

  abort(id: number): void {
    this.#send({ kind: EvAbort, id })
  }

  /** Ends the connection, and resolves when what was not stored yet is. With `wipe`, the other tabs are told to end as well. */
  close(wipe: boolean): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, closePatience)
      this.#closed = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#send({ kind: EvClose })
      if (this.#stopped) this.#closed()
    }).then(() => {
      if (wipe) this.#tabs?.wiped()
      this.stop()
    })
  }

  /** Lets go of everything at once. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#unwatch()
    this.#tabs?.stop()
    this.#requests.abort()
    for (const { timeout } of this.#timers.values()) clearTimeout(timeout)
    clearTimeout(this.#breath)
    clearTimeout(this.#collector)
    for (const socket of this.#sockets.values()) socket.hangUp(1000)
    this.#timers.clear()
    this.#sockets.clear()
    this.#closed()
  }

  #config(online: boolean, leads: boolean): string {
    const { account, maxCached, echoOwn, reject } = this.#host.settings
    const [seed, ...id] = crypto.getRandomValues(new Uint32Array(5))
    const clientId = id.map((n) => n.toString(16).padStart(8, '0')).join('')
    return JSON.stringify({ account, clientId, seed, maxCached, echoOwn, reject, storage: this.#host.store !== undefined, follow: !leads, online, texts: true })
  }

  /** Hands over what was read from storage; undefined when that failed. */
  async #feed(stored: Stored | undefined): Promise<void> {
    if (!stored) return this.#send({ kind: EvLoaded, code: 1 })
    const { meta, partial, chunks, blobs, outbox } = stored
    this.#send({ kind: EvLoad, id: chunks, code: Number(partial), data: meta ? JSON.stringify(meta) : '' })
    let began = performance.now()
    for (const data of blobs) {
      if (performance.now() - began > longestTask) {
        await nextTask()
        began = performance.now()
      }
      this.#send({ kind: EvChunk, data })
    }
    if (outbox) this.#send({ kind: EvQueued, data: JSON.stringify(outbox) })
    this.#send({ kind: EvLoaded })
  }

  /**
   * Handles an event after those before it. Doing an effect may send another
   * event (a listener that calls), which must not overtake the effects behind it.
   */
  #send(event: Event): void {
    this.#events.push(event)
    if (this.#handling) return
    this.#handling = true
    this.#began = performance.now()
    this.#slices = 0
    try {
      for (let next = this.#events.shift(); next && !this.#stopped; next = this.#events.shift()) {
        if (next.kind === EvGoOn) this.#machine.breathe() // as in a task of its own
        this.#handle(next)
      }
      this.#machine.breathe()
      this.#rest = firstRest
      if (!this.#stopped) this.#breath ??= setTimeout(this.#breathe, firstRest)
    } catch (error) {
      this.#die(textOf(error))
    } finally {
      this.#handling = false
    }
  }

  /** Has garbage collected from when there is a list: on its way one leaves next to none, and each collection would mark what has come. */
  #collectSoon(): void {
    clearTimeout(this.#collector)
    this.#collector = setTimeout(() => this.#collect(), this.#known ? 0 : longestLoad) // the app, which waits for the list, goes first
  }

  #collect(): void {
    if (this.#stopped) return
    try {
      this.#machine.collect()
    } catch (error) {
      this.#die(textOf(error))
    }
  }

  /** Lets a collection that is under way come to its end, in short tasks. */
  readonly #breathe = (): void => {
    this.#breath = undefined
    if (this.#stopped) return
    try {
      this.#rest = this.#machine.breathe() < longBreath ? 2 * this.#rest : firstRest
      if (this.#rest <= lastRest) this.#breath = setTimeout(this.#breathe, this.#rest)
    } catch (error) {
      this.#die(textOf(error))
    }
  }

  #handle({ kind, id = 0, code = 0, after = 0, data = '' }: Event): void {
    for (const effect of this.#machine.handle(kind, id, code, after, data)) {
      if (!this.#stopped) this.#do(effect)
    }
  }

  #die(why: string): void {
    if (this.#stopped) return
    this.#whyDead = why
    this.stop()
    if (this.#loaded) this.#host.died(why) // else load rejects
  }

  #do({ kind, id, code, path, data }: Effect): void {
    switch (kind) {
      case FxReply: return this.#host.reply(id, this.#resultOf(textIn(data), code === 1))
      case FxUpdates: return this.#host.updated(sessionsIn(data))
      case FxDeletes: return this.#host.deleted(JSON.parse(textIn(data)))
      case FxStatus: return this.#tell(JSON.parse(textIn(data)))
      case FxFetch: return this.#fetch(id, path, data, code)
      case FxDial: return this.#dial(id, code === 1)
      case FxSend: return this.#sockets.get(id)?.send(textIn(data))
      case FxHangup: return this.#hangUp(id, code)
      case FxTimer: return this.#startTimer(id, code)
      case FxCancel: return this.#stopTimer(id)
      case FxChunk: return this.#chunk(id, data)
      case FxStore: return this.#write(id, data)
      case FxOutbox: return this.#changeOutbox(id, data)
      case FxSettled: return this.#host.settled(JSON.parse(textIn(data)))
      case FxReread: return this.#reread(data, code === 1)
      case FxTexts: return this.#kept.add(id, sessionsIn(data))
      case FxForget: return this.#kept.clear()
      case FxRefused: return this.#tabs?.refused(textIn(data))
      case FxPause: return this.#pause()
      case FxClosed: return this.#closed()
      default: throw new Error(`effect ${kind} is unknown: recents.wasm is not of this package's version`)
    }
  }

  /** Reads a reply, which may name sessions that are kept. */
  #resultOf(json: string, named: boolean): NIMResult<never> {
    const result = JSON.parse(json)
    if (named) this.#kept.putIn(result.data.sessionList)
    return result
  }

  #fetch(id: number, path: string, body: Uint8Array<ArrayBuffer>, how: number): void {
    const { remote } = this.#host
    // A copy: it is sent when the token is there.
    void remote.post(path, body.slice(), (how & FetchFresh) > 0, this.#requests.signal, (how & FetchSlow) > 0).then(({ status, after, body }) => {
      this.#send({ kind: EvResponse, id, code: status, after, data: body })
    })
  }

  #dial(id: number, renew: boolean): void {
    const frames = new Burst((data) => this.#send({ kind: EvFrame, id, data }), () => this.#paused, () => {
      this.#hangUp(id, tooSlow) // the server has as state what was dropped
      this.#send({ kind: EvClosed, id, code: tooSlow })
    })
    const socket = this.#host.remote.dial(renew, {
      opened: () => this.#send({ kind: EvOpened, id }),
      frame: (data) => frames.add(data),
      closed: (code) => {
        frames.flush() // they came before
        this.#sockets.delete(id)
        this.#send({ kind: EvClosed, id, code })
      },
    })
    this.#sockets.set(id, socket)
  }

  /** Has the core go on after the page had its turn, or at once when it did not take long yet. */
  #pause(): void {
    if (performance.now() - this.#began < shortTask && this.#slices++ < mostSlices) return this.#send({ kind: EvGoOn })
    this.#paused = true
    void nextTask().then(() => {
      this.#paused = false
      this.#send({ kind: EvGoOn })
    })
  }

  #hangUp(id: number, code: number): void {
    this.#sockets.get(id)?.hangUp(code)
    this.#sockets.delete(id)
  }

  /** A timer that is only put off runs on, and waits for the rest when it runs out: each frame of a stream puts one off. */
  #startTimer(id: number, ms: number): void {
    const due = performance.now() + ms
    const running = this.#timers.get(id)
    if (running && running.due <= due) {
      running.put = due
      return
    }
    this.#stopTimer(id)
    const timeout = setTimeout(() => this.#timeOut(id), Math.min(ms, longestTimer))
    this.#timers.set(id, { due, put: due, timeout })
  }

  #timeOut(id: number): void {
    const { due, put } = this.#timers.get(id)!
    this.#timers.delete(id)
    if (put > due) this.#startTimer(id, Math.max(0, put - performance.now()))
    else this.#send({ kind: EvTimer, id })
  }

  #stopTimer(id: number): void {
    clearTimeout(this.#timers.get(id)?.timeout)
    this.#timers.delete(id)
  }

  /** A tab whose storage failed goes its own way, until it works again: the others, whose storage may work, need a leader that stores. */
  #tell({ rests, ...status }: CoreStatus): void {
    this.#host.status(status)
    if (status.cursor !== '' && !this.#known) {
      this.#known = true
      if (this.#loaded) this.#collectSoon()
    }
    if (status.storage === 'memory') {
      this.#tabs?.stop()
      this.#tabs = undefined
      return
    }
    if (!this.#tabs && this.#loaded) {
      this.#tabs = tabsOf(this.#host)
      this.#tabs?.listen(this.#tabEvents, status.leader, true)
    }
    if (status.leader) this.#tabs?.tell({ ...status, rests })
  }

  #reread(known: Uint8Array<ArrayBuffer>, anew: boolean): void {
    const { store } = this.#host
    const reading = anew ? store?.reopen() : store?.load(known.length > 0 ? JSON.parse(textIn(known)) : undefined)
    void reading?.then((stored) => this.#feed(stored))
  }

  #changeOutbox(id: number, data: Uint8Array<ArrayBuffer>): void {
    void this.#host.store?.changeOutbox(JSON.parse(textIn(data))).then((outbox) => {
      if (!outbox || outbox === 'full') return this.#send({ kind: EvQueued, id, code: outbox ? 3 : 2 })
      this.#tabs?.changed()
      this.#send({ kind: EvQueued, id, data: JSON.stringify(outbox) })
    })
  }

  #chunk(id: number, data: Uint8Array<ArrayBuffer>): void {
    if (this.#chunks.id !== id) this.#chunks = { id, list: [] }
    this.#chunks.list.push(data.slice()) // IndexedDB would store a view's whole buffer with it
  }

  #write(id: number, data: Uint8Array<ArrayBuffer>): void {
    const chunks = this.#chunks.id === id ? this.#chunks.list : []
    this.#chunks = { id: 0, list: [] }
    void this.#host.store?.apply(decodeBatch(data, chunks)).then((applied) => {
      if (applied === 'failed') return this.#send({ kind: EvStored, id, code: 2 })
      if (applied === 'full') return this.#send({ kind: EvStored, id, code: 3 })
      if (applied === 'written') {
        this.#tabs?.changed()
        return this.#send({ kind: EvStored, id })
      }
      if (applied.fenced) this.#tabs?.fenced()
      this.#send({ kind: EvStored, id, code: 1, data: applied.other ? JSON.stringify(applied.other) : '' })
    })
  }
}
