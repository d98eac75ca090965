/**
 * The public types of `recents/nim-ng`: the cloud sessions of the vendor's `nim-web-sdk-ng`, with its names, its
 * promises, which reject, and its session ids, `p2p-bob`.
 */
import type { Client, ConnectOptions } from './api.js'

/** The kinds of a session. */
export type TMsgScene = 'p2p' | 'team' | 'superTeam'

/** A message, by the vendor's names. */
export interface IMMessage {
  scene: TMsgScene
  from: string
  fromNick?: string
  /** The other end: for p2p the receiver's account, else the group's id. */
  to: string
  /** ms */
  time: number
  /** When the sender's profile changed. It is not known here: 0. */
  userUpdateTime: number
  type: 'text' | 'image' | 'audio' | 'video' | 'geo' | 'notification' | 'file' | 'tip' | 'robot' | 'g2' | 'custom'
  /** `p2p-bob` */
  sessionId: string
  /** The friend's account or the group's id. */
  target: string
  flow: 'in' | 'out'
  /** The service counts no unread, and keeps no receipts: what came is unread. */
  status: 'sent' | 'unread'
  idClient: string
  idServer?: string
  body: string
  attach?: { [name: string]: any }
  /** The sender's extension, as JSON text. */
  ext?: string
  callbackExt?: string
  subType?: number
  feature: 'default'
  setting?: { needUpdateSession?: boolean }
  pushInfo?: { pushContent?: string }
}

/** The notice that the last message was taken back. */
export interface SystemMessage {
  type: 'recallMsgP2p' | 'recallMsgTeam' | 'recallMsgSuperTeam'
  /** When the message was sent, ms: when it was taken back is not kept. */
  time: number
  /** Who sent the message. */
  from: string
  to: string
  /** Of the message: the notice's own is not kept. */
  idServer: string
  state: 'none'
  feature: 'default'
  /** The notice's text. */
  ps?: string
  attach?: any
  callbackExt?: string
  recallMessageInfo: {
    idClient: string
    idServer: string
    createTime: number
    fromNick: string
    /** Who took it back. */
    opeAccount: string
  }
}

/** A server-side session. */
export interface NIMECloudSession {
  /** Scene and id, joined by the first `-`: an id may hold more of them, and `|`. */
  sessionId: string
  /** ms */
  updateTime: number
  /** Private text of the account; absent when never set, `''` when cleared. */
  ext?: string
  /** Absent when there is no message, or with `includedLastMsg: false`. */
  lastMsgInfo?: {
    isLastMsgRecalled: boolean
    /** When it was not taken back. */
    lastMsg?: IMMessage
    /** When it was. */
    revokedMsg?: SystemMessage
  }
}

/** What a promise rejects with. */
export interface NIMError extends Error {
  /** As in the main package: 414 a parameter, 404 no such session, 302 the token, 415 offline and nothing cached. */
  code: number
}

/**
 * What the constructor takes: the vendor's options, of which those that are not named here change nothing, and the
 * server's `url`. The other options are those of {@link ConnectOptions}.
 */
export interface NIMInitializeOptions
  extends Pick<ConnectOptions, 'url' | 'account' | 'token'>,
    Partial<Omit<ConnectOptions, 'url' | 'account' | 'token'>> {
  appkey?: string
  /** The vendor's other options. */
  [option: string]: any
}

/** The events and what their listeners get. */
export interface NIMEvents {
  /** Connected, the first time or again. */
  logined: [{ account: string }]
  /** In step with the server: after `logined`. */
  syncdone: []
  /** The connection is lost, and is tried again by itself, as often as it takes. */
  willReconnect: [{ retryCount: number }]
  /** `disconnect` was called, the token was refused, or another tab logged out. */
  disconnect: []
  /** A session changed: by another device or tab, by a message, or by a revoke. Not by this client's own update. */
  multiSyncUpdateCloudSession: [NIMECloudSession]
}

/** The calls. Each rejects with a {@link NIMError}. */
export interface CloudSessionService {
  queryCloudSessionList(options?: {
    /** Inclusive, ms; 0 or absent: no bound. */
    minTimestamp?: number
    /** Inclusive, ms; 0 or absent: no bound. */
    maxTimestamp?: number
    /** 1 to 100, default 100. */
    limit?: number
    includedLastMsg?: boolean
  }): Promise<{ sessionList: NIMECloudSession[]; hasMore: boolean }>
  queryCloudSession(options: { sessionId: string }): Promise<NIMECloudSession>
  /** Unlike the vendor's, `''` is taken, and clears. */
  updateCloudSession(options: { sessionId: string; ext: string }): Promise<void>
  deleteCloudSessionList(options: { sessionIdList: string[] }): Promise<void>
}

export declare class NIM {
  /** The one instance: made with the options of the first call; those of later ones are set on it. */
  static getInstance(options?: NIMInitializeOptions): NIM
  constructor(options: NIMInitializeOptions)
  readonly account: string
  readonly status: 'unconnected' | 'connecting' | 'logined' | 'waitReconnect' | 'destroyed'
  readonly cloudSession: CloudSessionService
  /** The client behind it, for what the vendor has no name for; undefined before `connect`. */
  readonly client: Client | undefined
  /** Replaces the options that are given: the token at once, the rest with the next `connect`. */
  setOptions(options: Partial<NIMInitializeOptions>): void
  /**
   * Resolves when connected. Rejects when the token or an option is refused, and with code 415 when the server
   * cannot be reached: then it is tried again by itself, and the calls answer from the cache.
   */
  connect(): Promise<void>
  /** Ends the connection and keeps the cache. */
  disconnect(): Promise<void>
  /** As `disconnect`, for good; the next `getInstance` makes a new one. */
  destroy(): Promise<void>
  on<E extends keyof NIMEvents>(event: E, listener: (...args: NIMEvents[E]) => void): this
  once<E extends keyof NIMEvents>(event: E, listener: (...args: NIMEvents[E]) => void): this
  /** Without a listener, all of the event's. */
  off<E extends keyof NIMEvents>(event: E, listener?: (...args: NIMEvents[E]) => void): this
}
export default NIM
