import type { Client, ListOptions, MessageService, NIMResult } from './api.js'
import { guarded, logTo, type Log } from './log.js'
import { Login } from './login.js'
import type { NIMGetInstanceOptions, NIMMsgScene } from './nim-web.api.js'
import { isScene, webSession } from './vendor.js'
import { MaxPage } from './wire.gen.js'

type Done = (error: unknown, data: unknown) => void

/** What every call takes: whatever an app passed. */
interface CallOptions {
  [name: string]: unknown
}

const instances = new Map<string, NIM>()

export class NIM {
  readonly #login: Login
  #options: NIMGetInstanceOptions

  static getInstance(options: NIMGetInstanceOptions): NIM {
    const known = instances.get(String(options?.account))
    if (known) {
      known.setOptions(options)
      known.connect()
      return known
    }
    const nim = new NIM(options)
    instances.set(nim.account, nim)
    return nim
  }

  constructor(options: NIMGetInstanceOptions) {
    for (const name of ['url', 'account', 'token']) {
      const value: unknown = options?.[name]
      if (value === undefined || value === null || value === '') throw paramError(`${name}: is missing or empty`, 'NIM::getInstance')
    }
    this.#options = { ...options }
    this.#login = new Login(ours(options), {
      connected: () => {
        this.#tell('onconnect', { account: this.account })
        this.#tell('onsyncdone')
      },
      lost: (retryCount) => this.#tell('onwillreconnect', { retryCount }),
      ended: (code, message) => this.#tell('ondisconnect', { code, message }),
      failed: (message) => this.#tell('onerror', { message }),
      updated: (session) => this.#tell('onSyncUpdateServerSession', webSession(session, this.account)),
    })
    this.connect()
  }

  get account(): string {
    return this.#login.account
  }

  get client(): Client {
    return this.#login.client! // from the constructor's connect on
  }

  setOptions(options: Partial<NIMGetInstanceOptions>): void {
    this.#options = { ...this.#options, ...options }
    this.#login.setOptions(ours(options))
  }

  connect(): void {
    this.#login.open()
  }

  disconnect({ done }: { done?: Done } = {}): void {
    void this.#login.close().then(() => {
      this.#tell('ondisconnect', { code: 'manuallyDisconnect', message: 'disconnect was called' })
      guarded(this.#log, 'disconnect: done', done, null, {})
    })
  }

  destroy(options?: { done?: Done }): void {
    if (instances.get(this.account) === this) instances.delete(this.account)
    this.disconnect(options)
  }

  getServerSessions(options: CallOptions): void {
    const call: Call = new Call(this.#log, 'getServerSessions', options)
    const { minTimestamp, maxTimestamp, limit, needLastMsg } = call.options
    for (const [name, value] of Object.entries({ minTimestamp, maxTimestamp, limit })) call.checkNumber(name, value)
    if ((limit as number) > MaxPage) call.refuse(`limit: ${limit} is over ${MaxPage}`)
    const query = { minTimestamp, maxTimestamp, limit, needLastMsg: needLastMsg !== false } as ListOptions
    call.answer(this.#service.queryMySessionList(query), ({ sessionList, hasMore }) => ({
      sessionList: sessionList.map((session) => webSession(session, this.account)),
      hasMore,
    }))
  }

  getServerSession(options: CallOptions): void {
    const call = new Call(this.#log, 'getServerSession', options)
    const { to, scene } = call.target(call.options)
    call.answer(this.#service.queryMySession(to, scene), (session) => webSession(session, this.account))
  }

  updateServerSession(options: CallOptions): void {
    const call: Call = new Call(this.#log, 'updateServerSession', options)
    const { to, scene } = call.target(call.options)
    const { extra } = call.options
    if (extra !== undefined && typeof extra !== 'string') call.refuse(`extra: is of type ${typeof extra}, not a string`)
    call.answer(this.#service.updateMySession(to, scene, extra ?? ''), () => ({}))
  }

  deleteServerSessions(options: CallOptions): void {
    const call: Call = new Call(this.#log, 'deleteServerSessions', options)
    const { sessions } = call.options
    if (!Array.isArray(sessions) || sessions.length === 0) call.refuse('sessions: is not an array with an element')
    const keys = sessions.map((each: CallOptions | null) => {
      const { to, scene } = call.target(each ?? {})
      return { sessionId: to, sessionType: scene }
    })
    call.answer(this.#service.deleteMySession(keys), () => call.options)
  }

  /** Calls one of the app's functions. */
  #tell(name: keyof NIMGetInstanceOptions, ...args: unknown[]): void {
    const call = this.#options[name] as ((...args: unknown[]) => unknown) | undefined
    guarded(this.#log, String(name), call, ...args)
  }

  get #log(): Log {
    return logTo(this.#options.logger) // which setOptions may have replaced
  }

  get #service(): MessageService {
    return this.client.messageService
  }
}

/** The vendor's `db` decides about storage, where nothing of ours does. */
function ours<T extends Partial<NIMGetInstanceOptions>>(options: T): T {
  return options.db === false ? { storage: 'memory', ...options } : options
}

/** One call: what it was given, and whom it answers. As in the vendor's, a parameter of a wrong kind is thrown. */
class Call {
  /** Those of the app, without `done`: what `done` gets where there is nothing else to give. */
  readonly options: CallOptions
  readonly #name: string
  readonly #done: Done
  readonly #log: Log

  constructor(log: Log, name: string, { done, ...options }: CallOptions = {}) {
    this.#log = log
    this.#name = `session::${name}`
    this.options = options
    if (done !== undefined && typeof done !== 'function') this.refuse(`done: is of type ${typeof done}, not a function`)
    this.#done = (done as Done | undefined) ?? (() => {})
  }

  refuse(message: string): never {
    throw paramError(message, this.#name)
  }

  checkNumber(name: string, value: unknown): void {
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value))) this.refuse(`${name}: ${String(value)} is not a number`)
  }

  target({ scene, to }: CallOptions): { scene: NIMMsgScene; to: string } {
    if (!isScene(scene)) this.refuse(`scene: ${String(scene)} is not one of p2p, team, superTeam`)
    if (typeof to !== 'string' || to === '') this.refuse('to: is not a string with a character')
    return { scene, to }
  }

  answer<T>(result: Promise<NIMResult<T>>, give: (data: T) => unknown): void {
    void result.then(({ isSuccess, code, errorDetails, data }) => {
      const given = isSuccess ? ([null, give(data as T)] as const) : ([nimError(code, errorDetails, this.#name), this.options] as const)
      guarded(this.#log, `${this.#name}: done`, this.#done, ...given)
    })
  }
}

function paramError(message: string, callFunc: string): Error {
  return nimError('Param_Error', message, callFunc)
}

function nimError(code: number | string, message: string, callFunc: string): Error {
  return Object.assign(new Error(message), { name: 'NIMError', code, event: { callFunc } })
}
