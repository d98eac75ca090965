/**
 * The public types of the package `recents`. No call throws, and no promise
 * rejects: every outcome is a {@link NIMResult}.
 */
import type { RecentSession, SessionType } from './wire.gen.js'

export type { MessageType, NIMMessage, NIMSession, RecentSession, RevokeMsgNotification, RevokeType, SessionType } from './wire.gen.js'

/** What {@link connect} takes. */
export interface ConnectOptions {
  /** Base URL of the server or the worker, for example `https://im.example.com`. */
  url: string
  /** The account: 1 to 64 bytes of UTF-8, no control characters, no `/`. */
  account: string
  /** A JWT whose `sub` is the account, or a function that gives one. The function is called again before expiry and after a 302. */
  token: string | (() => string | Promise<string>)
  /** `'indexeddb'` (default) falls back to memory by itself. */
  storage?: 'indexeddb' | 'memory'
  /** What a write does while offline: `'queue'` (default) or `'reject'`. */
  offlineWrites?: 'queue' | 'reject'
  /** How many sessions are cached, the newest; older ones are asked of the server. Default 10,000. */
  maxCachedSessions?: number
  /** Whether `onMySessionUpdate` tells this client's own updates too. Default false. */
  echoOwnUpdates?: boolean
  /** An AES-GCM key: rows are sealed with it before they are stored. */
  encryptionKey?: CryptoKey
  /** Where `recents.wasm` is. Default: beside the module. */
  wasmUrl?: string | URL
  /** Gets what is worth a log line; never a token or a message. */
  logger?: Partial<Record<'debug' | 'info' | 'warn' | 'error', (message: string, details?: object) => void>>
}

/** The outcome of a call. */
export interface NIMResult<T> {
  /** 0 success · 202 write queued while offline · 302 token · 403 · 404 · 408 timeout or aborted · 409 · 413 · 414 bad parameter · 415 offline and nothing cached · 416 too many requests · 500 · 503. */
  code: number
  /** Null unless the call succeeded with something to give. */
  data: T | null
  /** Which value was wrong and its bound; `''` on success. */
  errorDetails: string
  /** True for code 0, 200 and 202. */
  isSuccess: boolean
  /** Where the answer came from. */
  source: 'server' | 'cache'
  /** True when this is the server's state: it was asked, and no write waits that its answer lacks; or the replica is live and in step. */
  fresh: boolean
  /** False when the cache does not reach as far down as was asked; then `hasMore` is true. */
  complete: boolean
  /** When the answer was the server's state, ms; 0 when never. */
  asOf: number
  /** True when it shows, or is, a write that waits for the server. */
  pending: boolean
}

/** A page of sessions, newest first. */
export interface RecentSessionList {
  /** True exactly when an older matching session exists. */
  hasMore: boolean
  sessionList: RecentSession[]
  /** The `maxTimestamp` that asks for the next page; 0 when there is none. */
  nextMaxTimestamp: number
}

/** Names a session; `sessionId` is bare, or a whole key such as `p2p|bob`, and then `sessionType` may be left out. */
export interface NIMMySessionKey {
  sessionId: string
  sessionType?: SessionType
}

/** Names a session exactly: a bare id and its type. */
export interface SessionKey {
  sessionId: string
  sessionType: SessionType
}

/** The last argument of every call. */
export interface CallOptions {
  /** Aborted: code 408, `errorDetails: 'aborted'`. */
  signal?: AbortSignal
}

/** What {@link MessageService.queryMySessionList} takes as one object. */
export interface ListOptions extends CallOptions {
  /** Inclusive, ms; 0 or absent: no bound. */
  minTimestamp?: number
  /** Inclusive, ms; 0 or absent: no bound. */
  maxTimestamp?: number
  /** Default 1. */
  needLastMsg?: 0 | 1 | boolean
  /** 1 to 100, default 100. */
  limit?: number
  /** Checked, and changes nothing. */
  hasMore?: 0 | 1 | boolean
}

/** A broadcast stream: every listener gets every event, from when it listens on. */
export interface EventStream<T> extends AsyncIterable<T> {
  listen(listener: (event: T) => void): { cancel(): void }
}

/** The server-side sessions of the account. */
export interface MessageService {
  queryMySessionList(options?: ListOptions, callOptions?: CallOptions): Promise<NIMResult<RecentSessionList>>
  queryMySessionList(minTimestamp: number, maxTimestamp?: number, needLastMsg?: 0 | 1 | boolean, limit?: number, hasMore?: 0 | 1 | boolean, options?: CallOptions): Promise<NIMResult<RecentSessionList>>
  queryMySession(sessionId: string, sessionType?: SessionType, options?: CallOptions): Promise<NIMResult<RecentSession>>
  queryMySession(sessionId: string, options?: CallOptions): Promise<NIMResult<RecentSession>>
  /** Sets the private ext string of a session, and makes the session when it is missing. `''` clears. At most 1,024 UTF-16 code units. */
  updateMySession(sessionId: string, sessionType: SessionType, ext: string, options?: CallOptions): Promise<NIMResult<null>>
  /** Deletes 1 to 100 sessions, all or nothing; unknown ones are no error. */
  deleteMySession(sessions: NIMMySessionKey[], options?: CallOptions): Promise<NIMResult<null>>
  /** One whole session an event: another device or tab changed ext, a message became the last one, or the last one was revoked. */
  readonly onMySessionUpdate: EventStream<RecentSession>
  /** The keys of sessions that were deleted elsewhere. */
  readonly onMySessionDelete: EventStream<SessionKey[]>
}

/** What became of a write whose call was answered with 202. */
export interface SettledWrite {
  /** 0 applied · 409 not, see `errorDetails` · or the code of the server's refusal. */
  code: number
  /** `superseded`: the session was deleted after what this client had seen · `kept_newer`: a message arrived that this client had not seen, so the session stays · `lost`: another tab could not read the write back from the browser's storage, and it came to nothing · or the server's text. */
  errorDetails: string
  op: 'ext' | 'delete'
  sessions: SessionKey[]
}

/** How the client is. */
export interface ClientStatus {
  /** `live`: changes come by themselves, within 25 s at the most, over a WebSocket or, where none can be had, by requests that wait. */
  connection: 'connecting' | 'live' | 'offline' | 'unauthorized' | 'closed'
  /** `memory`: the browser refused its storage. It is tried again every 30 s; until it is back, a write that waits (202) ends with its tab. */
  storage: 'indexeddb' | 'memory'
  /** Whether this tab holds the connection. */
  leader: boolean
  /** Sessions in the cache. */
  cached: number
  /** Writes that wait for the server. */
  pending: number
  /** Opaque: the position in the account's change log. */
  cursor: string
  /** What went wrong last, `''` when nothing did. */
  lastError: string
}

/** One account on one server. */
export interface Client {
  readonly messageService: MessageService
  /** Resolves when the core runs, with `''`; or with why it can't. No call has to wait for it. */
  readonly ready: Promise<string>
  readonly status: ClientStatus
  readonly onStatus: EventStream<ClientStatus>
  /** Tells what became of writes that were queued, once each, while this client lives. */
  readonly onSettled: EventStream<SettledWrite>
  /** Ends the connection and keeps the cache. Calls after it are code 415. */
  close(): Promise<void>
  /** Ends the connection; with `wipe`, no row is left in any tab. */
  logout(options?: { wipe?: boolean }): Promise<void>
}

/** Connects an account. Returns at once, throws nothing. */
export declare function connect(options: ConnectOptions): Client
