/**
 * The public types of `recents/nim`: the shape of the vendor's Dart SDK. As there, no call throws and every one
 * resolves to a {@link NIMResult}.
 */
import type { Client, ConnectOptions, MessageService, NIMResult, SessionType } from './api.js'

export type {
  Client, ConnectOptions, EventStream, ListOptions, MessageService, NIMMessage, NIMMySessionKey, NIMResult, NIMSession, RecentSession,
  RecentSessionList, RevokeMsgNotification, SessionKey,
} from './api.js'

/** The kinds of a session, by the vendor's names. */
export declare const NIMSessionType: { readonly p2p: 'p2p'; readonly team: 'team'; readonly superTeam: 'superTeam' }
export type NIMSessionType = SessionType

/** The SDK of one account at a time. */
export declare class NimCore {
  /** The one that apps use. */
  static readonly instance: NimCore
  /**
   * One object for ever: what listens here before `initialize` hears the events after it, of whichever account is
   * there. A call without an account is code 503.
   */
  readonly messageService: MessageService
  /** The account's client, for what the vendor has no name for; undefined without an account. */
  readonly client: Client | undefined
  /**
   * Connects an account, in the place of the one before. Resolves at once: no call has to wait for the connection.
   * Options that are refused are code 414, and the account before stays.
   */
  initialize(options: ConnectOptions): Promise<NIMResult<null>>
  /** Ends the account's connection; with `wipe`, none of its rows is left in any tab. */
  logout(options?: { wipe?: boolean }): Promise<NIMResult<null>>
  /** Ends the account's connection and keeps its cache. */
  dispose(): Promise<NIMResult<null>>
}
