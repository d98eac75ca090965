/**
 * The public types of `recents/nim-web`: the server-side sessions of the vendor's Web SDK, version 9
 * (`@yxim/nim-web-sdk`), with its names, its callbacks and its session ids, `p2p-bob`.
 */
import type { Client, ConnectOptions } from './api.js'

/** The kinds of a session. */
export type NIMMsgScene = 'p2p' | 'team' | 'superTeam'

/** The kinds of a message, by the vendor's names. */
export type NIMMsgType = 'text' | 'image' | 'audio' | 'video' | 'geo' | 'notification' | 'file' | 'tip' | 'robot' | 'g2' | 'custom'

/** A message, by the vendor's names. */
export interface NIMMessage {
  scene: NIMMsgScene
  from: string
  fromNick?: string
  /** The other end: for p2p the receiver's account, else the group's id. */
  to: string
  /** ms */
  time: number
  /** When the sender's profile changed. It is not known here: 0. */
  userUpdateTime: number
  type: NIMMsgType
  /** `p2p-bob` */
  sessionId: string
  /** The friend's account or the group's id. */
  target: string
  flow: 'in' | 'out'
  status: string
  idClient: string
  idServer?: string
  /** Of a text; `''` for other types, as in the vendor's. */
  text: string
  /** Of an image, audio, video or file: what the sender attached. */
  file?: any
  /** Of a location: `{title, lat, lng}`. */
  geo?: any
  /** Of a tip. */
  tip?: string
  /** Of a custom message: text, JSON when what was attached is an object. */
  content?: string
  /** Of a notification: what is attached. */
  attach?: any
  /** The sender's extension, as JSON text. */
  custom?: string
  pushContent?: string
  callbackExt?: string
  subType?: number
  needUpdateSession?: boolean
}

/** The notice that the last message was taken back. */
export interface NIMSystemMessage {
  type: 'deleteMsg'
  scene: NIMMsgScene
  /** When the message was sent, ms: when it was taken back is not kept. */
  time: number
  /** Who sent the message. */
  from: string
  to: string
  /** Who took it back. */
  opeAccount: string
  deletedIdClient: string
  deletedIdServer: string
  deletedMsgTime?: number
  deletedMsgFromNick?: string
  /** The notice's text. */
  ps?: string
  /** As the operator gave it: text, though the vendor's types say an object. */
  attach?: any
  callbackExt?: string
  status: 'success'
}

/** A server-side session. */
export interface NIMCloudSession {
  /** Scene and id, joined by the first `-`: an id may hold more of them, and `|`. */
  id: string
  /** ms */
  updateTime: number
  /** Private text of the account; absent when never set, `''` when cleared. */
  ext?: string
  /** `'0'` ordinary or no message, `'1'` taken back; absent with `needLastMsg: false`. */
  lastMsgType?: '0' | '1'
  /** A NIMMessage for `'0'`, a NIMSystemMessage for `'1'`. */
  lastMsg?: NIMMessage | NIMSystemMessage
}

/** What goes to `done`, and what is thrown for a parameter. */
export interface NIMError {
  /** A number as in the main package; `'Param_Error'` for a parameter, which is thrown. */
  code: number | string
  message: string
  /** What was asked for: `{callFunc}`. */
  event: { [name: string]: any }
}

/**
 * What `getInstance` takes: the vendor's options, of which those that are not named here change nothing, and the
 * server's `url`. The other options are those of {@link ConnectOptions}.
 */
export interface NIMGetInstanceOptions
  extends Pick<ConnectOptions, 'url' | 'account' | 'token'>,
    Partial<Omit<ConnectOptions, 'url' | 'account' | 'token'>> {
  appKey?: string
  /** `false` keeps the cache in memory. */
  db?: boolean
  /** Connected, the first time or again. Gets `{account}`: of the rest that the vendor tells, nothing is known here. */
  onconnect?(data: any): void
  /** In step with the server: after `onconnect`. */
  onsyncdone?(): void
  /** The connection is lost, and is tried again by itself, as often as it takes. */
  onwillreconnect?(data: { retryCount: number }): void
  /** For good: the token was refused (302), an option was (414), `disconnect` was called, or another tab logged out. */
  ondisconnect?(data: { code: any; message: string }): void
  onerror?(error: any): void
  /** A session changed: by another device or tab, by a message, or by a revoke. Not by this client's own update. */
  onSyncUpdateServerSession?(session: NIMCloudSession): void
  /** The vendor's other options. */
  [option: string]: any
}

type Done<T> = (error: any, data: T) => void

export declare class NIM {
  /** The account's instance; a second call gives the same one, with the options of that call, and connects it. */
  static getInstance(options: NIMGetInstanceOptions): NIM
  constructor(options: NIMGetInstanceOptions)
  readonly account: string
  /** The client behind it, for what the vendor has no name for, such as `client.messageService.onMySessionDelete`. */
  readonly client: Client
  /** Replaces the options that are given: callbacks and the token at once, the rest with the next `connect`. */
  setOptions(options: Partial<NIMGetInstanceOptions>): void
  /** Connects again after `disconnect`, or after a token was refused. */
  connect(): void
  /** Ends the connection and keeps the cache. */
  disconnect(options?: { done?: Done<any> }): void
  /** As `disconnect`; the next `getInstance` makes a new instance. */
  destroy(options?: { done?: Done<any> }): void
  getServerSessions(options: {
    minTimestamp?: number
    maxTimestamp?: number
    /** At most 100, default 100. */
    limit?: number
    needLastMsg?: boolean
    done?: Done<{ sessionList: NIMCloudSession[]; hasMore: boolean }>
  }): void
  getServerSession(options: { scene: NIMMsgScene; to: string; done?: Done<NIMCloudSession> }): void
  /** Without `extra`, ext is cleared. */
  updateServerSession(options: { scene: NIMMsgScene; to: string; extra?: string; done?: Done<any> }): void
  deleteServerSessions(options: { sessions: { scene: NIMMsgScene; to: string }[]; done?: Done<any> }): void
}
