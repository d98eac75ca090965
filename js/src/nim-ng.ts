import type { Client, ListOptions, MessageService, NIMResult, SessionKey } from './api.js'
import { guarded, logTo, type Log } from './log.js'
import { Login } from './login.js'
import type { CloudSessionService, NIMEvents, NIMInitializeOptions } from './nim-ng.api.js'
import { keyOf, ngSession } from './vendor.js'
import { CodeBadParam, CodeOffline, CodeToken } from './wire.gen.js'

type Event = keyof NIMEvents

/** The function that an app named, and what is called in its place. */
interface Listener {
  named: unknown
  call: (...args: any[]) => void
}

let instance: NIM | undefined

export class NIM {
  readonly cloudSession: CloudSessionService
  readonly #login: Login
  readonly #log: Log
  readonly #listeners = new Map<Event, Listener[]>()
  #destroyed = false

  static getInstance(options?: NIMInitializeOptions): NIM {
    if (instance && options) instance.setOptions(options)
    if (!instance && !options) throw nimError(CodeBadParam, 'options: are missing, and there is no instance yet')
    return (instance ??= new NIM(options!))
  }

  constructor(options: NIMInitializeOptions) {
    this.#log = logTo(options.logger)
    this.#login = new Login(options, {
      connected: () => {
        this.#emit('logined', { account: this.account })
        this.#emit('syncdone')
      },
      lost: (retryCount) => this.#emit('willReconnect', { retryCount }),
      ended: () => this.#emit('disconnect'),
      failed: () => {}, // the vendor has no event for it; client.status tells
      updated: (session) => this.#emit('multiSyncUpdateCloudSession', ngSession(session, this.account)),
    })
    this.cloudSession = cloudSession((call) => this.#ask(call), this.account)
  }

  get account(): string {
    return this.#login.account
  }

  get client(): Client | undefined {
    return this.#login.client
  }

  get status(): 'unconnected' | 'connecting' | 'logined' | 'waitReconnect' | 'destroyed' {
    if (this.#destroyed) return 'destroyed'
    switch (this.client?.status.connection) {
      case 'connecting': return 'connecting'
      case 'live': return 'logined'
      case 'offline': return 'waitReconnect'
      default: return 'unconnected'
    }
  }

  setOptions(options: Partial<NIMInitializeOptions>): void {
    this.#login.setOptions(options)
  }

  async connect(): Promise<void> {
    if (this.#destroyed) throw nimError(CodeOffline, 'the instance is destroyed')
    return connected(this.#login.open())
  }

  async disconnect(): Promise<void> {
    if (!this.client) return
    await this.#login.close()
    this.#emit('disconnect')
  }

  async destroy(): Promise<void> {
    if (instance === this) instance = undefined
    this.#destroyed = true
    await this.disconnect()
    this.#listeners.clear()
  }

  on<E extends Event>(event: E, listener: (...args: NIMEvents[E]) => void): this {
    return this.#add(event, { named: listener, call: listener })
  }

  once<E extends Event>(event: E, listener: (...args: NIMEvents[E]) => void): this {
    return this.#add(event, {
      named: listener,
      call: (...args: NIMEvents[E]) => {
        this.off(event, listener)
        listener(...args)
      },
    })
  }

  off<E extends Event>(event: E, listener?: (...args: NIMEvents[E]) => void): this {
    const left = listener && this.#listeners.get(event)?.filter(({ named }) => named !== listener)
    this.#listeners.set(event, left ?? [])
    return this
  }

  #add(event: Event, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
    return this
  }

  #emit<E extends Event>(event: E, ...args: NIMEvents[E]): void {
    for (const { call } of this.#listeners.get(event) ?? []) guarded(this.#log, event, call, ...args)
  }

  async #ask<T>(call: (service: MessageService) => Promise<NIMResult<T>>): Promise<T> {
    if (!this.client) throw nimError(CodeOffline, 'there is no connection: call connect first')
    const { isSuccess, code, errorDetails, data } = await call(this.client.messageService)
    if (!isSuccess) throw nimError(code, errorDetails)
    return data as T
  }
}

export default NIM // as the vendor exports it

type Ask = <T>(call: (service: MessageService) => Promise<NIMResult<T>>) => Promise<T>

function cloudSession(ask: Ask, account: string): CloudSessionService {
  return {
    async queryCloudSessionList({ minTimestamp, maxTimestamp, limit, includedLastMsg } = {}) {
      const query = { minTimestamp, maxTimestamp, limit, needLastMsg: includedLastMsg } as ListOptions
      const { sessionList, hasMore } = await ask((service) => service.queryMySessionList(query))
      return { sessionList: sessionList.map((session) => ngSession(session, account)), hasMore }
    },
    async queryCloudSession(options) {
      const { sessionId, sessionType } = target('sessionId', options?.sessionId)
      return ngSession(await ask((service) => service.queryMySession(sessionId, sessionType)), account)
    },
    async updateCloudSession(options) {
      const { sessionId, sessionType } = target('sessionId', options?.sessionId)
      await ask((service) => service.updateMySession(sessionId, sessionType, options.ext))
    },
    async deleteCloudSessionList(options) {
      const ids: unknown = options?.sessionIdList
      if (!Array.isArray(ids)) throw nimError(CodeBadParam, 'sessionIdList: is not an array')
      const keys = ids.map((id, i) => target(`sessionIdList: ${i}`, id))
      await ask((service) => service.deleteMySession(keys))
    },
  }
}

function target(name: string, id: unknown): SessionKey {
  const key = typeof id === 'string' ? keyOf(id) : undefined
  if (!key) throw nimError(CodeBadParam, `${name}: ${JSON.stringify(id)} is not of the form p2p-…, team-… or superTeam-…`)
  return key
}

/** Resolves when the client is connected; rejects when that takes more than time alone. */
function connected(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    // A client whose options were refused is closed from the start.
    const whyClosed = client.status.connection === 'closed' ? CodeBadParam : CodeOffline
    const settle = (): void => {
      const { connection, lastError } = client.status
      if (connection === 'connecting') return
      heard.cancel()
      if (connection === 'live') resolve()
      else if (connection === 'unauthorized') reject(nimError(CodeToken, lastError))
      else reject(nimError(connection === 'closed' ? whyClosed : CodeOffline, lastError || connection))
    }
    const heard = client.onStatus.listen(settle)
    settle()
  })
}

function nimError(code: number, message: string): Error & { code: number } {
  return Object.assign(new Error(message), { name: 'NIMError', code })
}
