import type { Client, ConnectOptions, MessageService, NIMResult, RecentSession, SessionKey } from './api.js'
import { connect } from './index.js'
import { logTo } from './log.js'
import { refused } from './result.js'
import { Broadcast } from './stream.js'
import { CodeBadParam, CodeUnavailable } from './wire.gen.js'

export const NIMSessionType = { p2p: 'p2p', team: 'team', superTeam: 'superTeam' } as const

const noAccount = 'there is no account: call NimCore.instance.initialize first'

export class NimCore {
  static readonly instance = new NimCore()

  readonly messageService: MessageService
  readonly #updates = new Broadcast<RecentSession>('onMySessionUpdate', logTo(undefined))
  readonly #deletes = new Broadcast<SessionKey[]>('onMySessionDelete', logTo(undefined))
  #client: Client | undefined
  #unhear = (): void => {}

  constructor() {
    // The overloads of MessageService are the client's to resolve: the arguments go through as they come.
    const to = (name: 'queryMySessionList' | 'queryMySession' | 'updateMySession' | 'deleteMySession') =>
      async (...args: never[]): Promise<NIMResult<never>> => {
        const service = this.#client?.messageService as unknown as Record<string, (...args: never[]) => Promise<NIMResult<never>>> | undefined
        return service ? service[name]!(...args) : refused(CodeUnavailable, noAccount)
      }
    this.messageService = {
      queryMySessionList: to('queryMySessionList'),
      queryMySession: to('queryMySession'),
      updateMySession: to('updateMySession'),
      deleteMySession: to('deleteMySession'),
      onMySessionUpdate: this.#updates,
      onMySessionDelete: this.#deletes,
    }
  }

  get client(): Client | undefined {
    return this.#client
  }

  async initialize(options: ConnectOptions): Promise<NIMResult<null>> {
    const client = connect(options)
    // A client is closed from the start for one reason: its options were refused.
    if (client.status.connection === 'closed') return refused(CodeBadParam, client.status.lastError)
    const before = this.#turnTo(client)
    await before?.close()
    return done
  }

  async logout(options: { wipe?: boolean } = {}): Promise<NIMResult<null>> {
    const client = this.#turnTo(undefined)
    if (!client) return refused(CodeUnavailable, noAccount)
    await client.logout(options)
    return done
  }

  async dispose(): Promise<NIMResult<null>> {
    await this.#turnTo(undefined)?.close()
    return done
  }

  /** From here on calls go to `client`, and events come from it alone. Returns the one before. */
  #turnTo(client: Client | undefined): Client | undefined {
    const before = this.#client
    this.#unhear()
    this.#client = client
    const heard = client && [
      client.messageService.onMySessionUpdate.listen((session) => this.#updates.emit(session)),
      client.messageService.onMySessionDelete.listen((keys) => this.#deletes.emit(keys)),
    ]
    this.#unhear = () => heard?.forEach((each) => each.cancel())
    return before
  }
}

const done: NIMResult<null> = Object.freeze({
  code: 0, data: null, errorDetails: '', isSuccess: true, source: 'cache', fresh: false, complete: true, asOf: 0, pending: false,
})
