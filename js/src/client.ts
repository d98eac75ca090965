import type { Client, ClientStatus, EventStream, MessageService, NIMResult, RecentSession, RecentSessionList, SessionKey, SettledWrite } from './api.js'
import { newest, soon } from './boot.js'
import type { Core, Host } from './core.js'
import { nextTask } from './page.js'
import { deleteCall, getCall, isWrite, listCall, updateCall, type Call } from './params.js'
import { programAt } from './program.js'
import { Remote } from './remote.js'
import { Refusal, refused, textOf } from './result.js'
import { keyOf } from './rows.js'
import type { Settings } from './settings.js'
import { Store } from './store.js'
import { Broadcast } from './stream.js'
import { CodeOffline, CodeServer, CodeTimeout, MaxPage } from './wire.gen.js'

/** How often a minute a core that died is started again. */
const mostRestarts = 3
const minute = 60_000
/** How long the core lets the first list go before it, ms: on a slow network, half a megabyte at the same time would hold the list up. */
const firstPatience = 2000
/** How long a call waits for the core, ms: as long as for an answer of the server's. */
const corePatience = 15_000
/** The longest wait before a core that could not be loaded is tried again, ms. */
const longestWait = 30_000

const whenClosed = 'the client is closed'
const withoutCore = `core: is not there after ${corePatience} ms`

type Settle = (result: NIMResult<never>) => void

/** A {@link Client}: what it knows, which core runs, and which calls wait. */
export class LiveClient implements Client {
  readonly ready: Promise<string>
  readonly messageService: MessageService
  readonly onStatus: EventStream<ClientStatus>
  readonly onSettled: EventStream<SettledWrite>

  readonly #settings: Settings
  readonly #remote: Remote
  readonly #store: Store | undefined
  readonly #statuses: Broadcast<ClientStatus>
  readonly #settled: Broadcast<SettledWrite>
  readonly #updates: Broadcast<RecentSession>
  readonly #deletes: Broadcast<SessionKey[]>
  readonly #calls = new Map<number, Settle>()
  readonly #gone = new AbortController()
  #lastCall = 0
  #told = 0 // events, by which an answer that was asked before them is known to be old
  #status: ClientStatus
  #cause = '' // a lastError that stays, whatever the core says after it
  #ending: Promise<void> | undefined

  #core: Core | undefined // loaded
  #starting: Promise<Core> | undefined
  #first: Promise<unknown> | undefined // the list that is asked for before the core is there
  #shown: RecentSessionList | undefined // what the app was shown without the core, until the core has told what is new since
  readonly #heard = new Set<string>() // the sessions of which there was an event since
  #own: Call[] = [] // the app's writes since, of which it is not told
  #catching = false
  #failures = 0
  #deaths: number[] = []
  #notBefore = 0
  #failure = ''
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(settings: Settings) {
    const { url, account, token, storage, key, log } = settings
    this.#settings = settings
    this.#remote = new Remote(url, account, token)
    this.#store = storage ? new Store(url, account, key, log, () => this.#wiped()) : undefined
    this.#status = { ...initial, storage: storage ? 'indexeddb' : 'memory' }
    this.onStatus = this.#statuses = new Broadcast<ClientStatus>('onStatus', log)
    this.onSettled = this.#settled = new Broadcast<SettledWrite>('onSettled', log)
    this.#updates = new Broadcast<RecentSession>('onMySessionUpdate', log)
    this.#deletes = new Broadcast<SessionKey[]>('onMySessionDelete', log)
    this.messageService = serviceOf((call) => this.#call(call), this.#updates, this.#deletes)
    this.ready = this.#start().then(
      () => '',
      (error: unknown) => textOf(error),
    )
  }

  get status(): ClientStatus {
    return this.#status
  }

  close(): Promise<void> {
    return (this.#ending ??= this.#end(async () => this.#store?.close()))
  }

  async logout(options?: { wipe?: boolean }): Promise<void> {
    if (!options?.wipe) return this.close()
    await (this.#ending ??= this.#end(async () => {}, true)) // storage is open still
    const { url, account, key, log } = this.#settings
    try {
      // Rows may be there of a time when storage was in use.
      await (this.#store ?? new Store(url, account, key, log, () => {})).wipe()
    } catch (error) {
      log('error', textOf(error))
      this.#cause = textOf(error)
      this.#tell({})
    }
  }

  async #end(release: () => Promise<void>, wipe = false): Promise<void> {
    this.#gone.abort()
    clearTimeout(this.#retry)
    await this.#core?.close(wipe)
    for (const settle of [...this.#calls.values()]) settle(refused(CodeOffline, whenClosed))
    await release()
    this.#tell({ connection: 'closed' })
    for (const stream of [this.#statuses, this.#settled, this.#updates, this.#deletes]) stream.end()
  }

  /** Another tab deleted everything: this one must not bring it back. */
  #wiped(): void {
    this.#cause = 'storage: the account was wiped in another tab'
    void this.close()
  }

  // Calls.

  /** Settles the call once, whatever happens. `open` reads what the app passed, and throws a Refusal. */
  async #call(open: () => Call): Promise<NIMResult<never>> {
    try {
      const call = open()
      if (call.signal?.aborted) return refused(CodeTimeout, 'aborted')
      if (this.#ending) return refused(CodeOffline, whenClosed)
      return await this.#wait(call)
    } catch (error) {
      return this.#asResult(error)
    }
  }

  #wait(call: Call): Promise<NIMResult<never>> {
    return new Promise((resolve) => {
      const id = ++this.#lastCall
      const abort = (): void => {
        settle(refused(CodeTimeout, 'aborted'))
        this.#core?.abort(id)
      }
      const settle: Settle = (result) => {
        this.#calls.delete(id)
        clearTimeout(late)
        call.signal?.removeEventListener('abort', abort)
        resolve(result)
      }
      const late = this.#core ? undefined : setTimeout(() => this.#core || settle(refused(CodeTimeout, withoutCore)), corePatience)
      this.#calls.set(id, settle)
      call.signal?.addEventListener('abort', abort)
      this.#ask(id, call).catch((error: unknown) => settle(this.#asResult(error)))
    })
  }

  /** Asks the core; until that is there, the newest sessions are to be had without it. */
  async #ask(id: number, call: Call): Promise<void> {
    if (!this.#core && call.newest !== undefined) {
      const told = this.#told
      const answer = newest(call.newest, this.#store, this.#remote, this.#gone.signal)
      this.#first ??= soon(answer, firstPatience).then(nextTask) // the app shows it in this one
      const result = await answer
      if (result && told === this.#told) {
        this.#calls.get(id)?.(result as NIMResult<never>)
        this.#show(result.data!)
        return
      }
    }
    const core = this.#core ?? (await this.#start())
    if (!this.#calls.has(id)) return
    if (this.#shown && isWrite(call)) this.#own.push(call)
    core.call(id, call.kind, call.body)
  }

  /** Remembers what the app was shown without the core, whose events begin with what the core knew first. */
  #show(list: RecentSessionList): void {
    if (list.sessionList.length < (this.#shown?.sessionList.length ?? 0)) return
    this.#shown = list
    this.#heard.clear()
    void this.#catchUp()
  }

  /** Tells what changed between the list that the app was shown and the core's, once that is the server's. */
  async #catchUp(): Promise<void> {
    if (!this.#shown || this.#catching || !this.#core || this.#status.connection !== 'live') return
    this.#catching = true
    const { differences } = await import('./core.js')
    const { data, source, fresh } = (await this.#call(() => listCall([{ limit: MaxPage }]))) as NIMResult<RecentSessionList>
    this.#catching = false
    if (!data || source !== 'cache' || !fresh) return // not live any more: the next time
    const { updated, deleted } = differences(this.#shown, data, this.#heard, this.#own) // what was told meanwhile is newer
    this.#shown = undefined
    this.#own = []
    for (const session of updated) this.#updates.emit(session)
    if (deleted.length > 0) this.#deletes.emit(deleted)
  }

  #hear(keys: SessionKey[]): void {
    this.#told++
    if (this.#shown) for (const key of keys) this.#heard.add(keyOf(key))
  }

  #asResult(error: unknown): NIMResult<never> {
    if (error instanceof Refusal) return refused(error.code, error.message)
    this.#settings.log('error', 'a call failed', { error })
    return refused(CodeServer, textOf(error))
  }

  // The core.

  /** The core, which is loaded when there is none. Rejects with a Refusal when it cannot be had, or not yet again. */
  #start(): Promise<Core> {
    if (this.#starting) return this.#starting
    if (performance.now() < this.#notBefore) return Promise.reject(new Refusal(CodeServer, this.#failure))
    this.#starting = this.#load()
    return this.#starting
  }

  async #load(): Promise<Core> {
    try {
      await undefined // an app that wants a list asks for it in the same breath
      await this.#first
      const program = programAt(this.#settings.wasmUrl) // both are on their way at once
      const { startCore } = await import('./core.js')
      this.#core = await startCore(this.#host(), program, this.#gone.signal)
      this.#failures = 0
    } catch (error) {
      if (this.#ending) throw new Refusal(CodeOffline, whenClosed)
      this.#failed(textOf(error), Math.min(longestWait, 1000 * 2 ** this.#failures++))
      throw new Refusal(CodeServer, this.#failure)
    }
    if (!this.#ending) return this.#core
    this.#core.stop()
    throw new Refusal(CodeOffline, whenClosed)
  }

  #host(): Host {
    return {
      settings: this.#settings,
      store: this.#store,
      remote: this.#remote,
      reply: (id, result) => this.#calls.get(id)?.(result),
      updated: (sessions) => {
        this.#hear(sessions)
        for (const session of sessions) this.#updates.emit(session)
      },
      deleted: (keys) => {
        this.#hear(keys)
        this.#deletes.emit(keys)
      },
      settled: (write) => this.#settled.emit(write),
      status: (status) => this.#tell(status),
      wiped: () => this.#wiped(),
      died: (why) => this.#died(why),
    }
  }

  #failed(why: string, wait: number): void {
    this.#starting = undefined
    this.#core = undefined
    this.#notBefore = performance.now() + wait
    this.#failure = `core: ${why}`
    this.#settings.log('error', this.#failure)
    this.#tell({ connection: 'offline', leader: false, lastError: this.#failure })
    // By itself: an app may have no more calls, and wait for events.
    clearTimeout(this.#retry)
    if (!this.#ending) this.#retry = setTimeout(() => this.#restart(), wait)
  }

  /** Tries again now, whatever the other clock says: a timer may be early by it, and then nothing would try any more. */
  #restart(): void {
    this.#notBefore = 0
    this.#start().catch(() => {}) // which has said why, and when the next try is
  }

  /** Starts a new instance, which loads again what is stored, unless this one died too often of late. */
  #died(why: string): void {
    const now = performance.now()
    this.#deaths = [...this.#deaths.filter((at) => at > now - minute), now]
    const again = this.#deaths.length <= mostRestarts
    this.#failed(why, again ? 0 : minute)
    for (const settle of [...this.#calls.values()]) settle(refused(CodeServer, this.#failure))
  }

  // The status.

  #tell(change: Partial<ClientStatus>): void {
    const next = { ...this.#status, ...change }
    const failure = this.#store?.failure
    if (failure && !this.#core) next.storage = 'memory' // else the core says so, which may get it back
    next.lastError = this.#cause || next.lastError || (next.storage === 'memory' && failure) || ''
    if (this.#ending) next.connection = 'closed'
    const known = this.#status as unknown as Record<string, unknown>
    if (Object.entries(next).every(([name, value]) => known[name] === value)) return
    this.#status = Object.freeze(next)
    this.#statuses.emit(next)
    void this.#catchUp()
  }
}

const initial: ClientStatus = Object.freeze({
  connection: 'connecting',
  storage: 'memory',
  leader: false,
  cached: 0,
  pending: 0,
  cursor: '',
  lastError: '',
})

/** A client whose options were refused: it says so, and does nothing. */
export function refusedClient(refusal: Refusal): Client {
  const silent = (): void => {}
  const ended = <T>(name: string): Broadcast<T> => {
    const stream = new Broadcast<T>(name, silent)
    stream.end()
    return stream
  }
  return {
    ready: Promise.resolve(refusal.message),
    messageService: serviceOf(async () => refused(refusal.code, refusal.message), ended('onMySessionUpdate'), ended('onMySessionDelete')),
    status: Object.freeze({ ...initial, connection: 'closed', lastError: refusal.message }),
    onStatus: ended('onStatus'),
    onSettled: ended('onSettled'),
    close: async () => {},
    logout: async () => {},
  }
}

/** The app's calls, each turned into one call of `ask`. */
function serviceOf(
  ask: (open: () => Call) => Promise<NIMResult<never>>,
  onMySessionUpdate: EventStream<RecentSession>,
  onMySessionDelete: EventStream<SessionKey[]>,
): MessageService {
  return {
    queryMySessionList: (...args: unknown[]) => ask(() => listCall(args)),
    queryMySession: (...args: unknown[]) => ask(() => getCall(args)),
    updateMySession: (...args: unknown[]) => ask(() => updateCall(args)),
    deleteMySession: (...args: unknown[]) => ask(() => deleteCall(args)),
    onMySessionUpdate,
    onMySessionDelete,
  }
}
