import type { MessageType, NIMMessage, RecentSession, SessionKey, SessionType } from './api.js'
import type { IMMessage, NIMECloudSession, SystemMessage } from './nim-ng.api.js'
import type { NIMCloudSession, NIMMessage as WebMessage, NIMSystemMessage } from './nim-web.api.js'

/**
 * Sessions and messages by the names that the vendor's Web SDKs give them, from ours. What a message does not say
 * is absent, but for what the vendor's types have always.
 */

const scenes: readonly string[] = ['p2p', 'team', 'superTeam'] satisfies SessionType[]

/** `p2p-bob`. */
export function idOf({ sessionType, sessionId }: SessionKey): string {
  return `${sessionType}-${sessionId}`
}

/** The session of an id such as `p2p-bob`; undefined when it is none. It splits at the first `-`: an account may hold more. */
export function keyOf(id: string): SessionKey | undefined {
  const at = id.indexOf('-')
  const sessionType = id.slice(0, at)
  return at > 0 && isScene(sessionType) ? { sessionId: id.slice(at + 1), sessionType } : undefined
}

/** Whether a value is one of the kinds of a session. */
export function isScene(value: unknown): value is SessionType {
  return typeof value === 'string' && scenes.includes(value)
}

/** A session as `@yxim/nim-web-sdk` gives it to `account`. */
export function webSession(session: RecentSession, account: string): NIMCloudSession {
  const { lastMsgType } = session
  const message = lastMessage(session)
  return {
    id: idOf(session),
    updateTime: session.updateTime,
    ...defined({
      ext: session.ext,
      lastMsgType: lastMsgType === undefined ? undefined : (String(lastMsgType) as '0' | '1'),
      lastMsg: lastMsgType === 1 ? webNotice(session, account) : message && webMessage(message, session, account),
    }),
  }
}

/** A session as `nim-web-sdk-ng` gives it to `account`. */
export function ngSession(session: RecentSession, account: string): NIMECloudSession {
  const message = lastMessage(session)
  let lastMsgInfo: NIMECloudSession['lastMsgInfo']
  if (session.lastMsgType === 1) lastMsgInfo = { isLastMsgRecalled: true, revokedMsg: ngNotice(session, account) }
  else if (message) lastMsgInfo = { isLastMsgRecalled: false, lastMsg: ngMessage(message, session, account) }
  return { sessionId: idOf(session), updateTime: session.updateTime, ...defined({ ext: session.ext, lastMsgInfo }) }
}

function lastMessage({ lastMsg }: RecentSession): NIMMessage | undefined {
  return lastMsg === undefined ? undefined : JSON.parse(lastMsg)
}

const vendorsType: Partial<Record<MessageType, 'geo' | 'g2'>> = { location: 'geo', avchat: 'g2' }

/** What both SDKs call the same. */
function common(message: NIMMessage, key: SessionKey, account: string) {
  const out = message.messageDirection === 'outgoing'
  return {
    scene: key.sessionType,
    from: message.fromAccount,
    to: receiver(key, out, account),
    time: message.timestamp,
    userUpdateTime: 0,
    type: vendorsType[message.messageType] ?? (message.messageType as WebMessage['type']),
    sessionId: idOf(key),
    target: key.sessionId,
    flow: out ? ('out' as const) : ('in' as const),
    idClient: message.uuid,
    ...defined({
      idServer: message.serverId,
      fromNick: message.fromNickname,
      callbackExt: message.callbackExtension,
      subType: message.messageSubType,
    }),
  }
}

/** Who gets a message: the group, or of two people the one that did not send it. */
function receiver({ sessionId, sessionType }: SessionKey, out: boolean, account: string): string {
  return out || sessionType !== 'p2p' ? sessionId : account
}

function webMessage(message: NIMMessage, key: SessionKey, account: string): WebMessage {
  const shared = common(message, key, account)
  return {
    ...shared,
    status: message.status ?? 'success',
    text: shared.type === 'text' ? (message.content ?? '') : '',
    ...webBody(shared.type, message),
    ...defined({
      custom: textOf(message.remoteExtension),
      pushContent: message.pushContent,
      needUpdateSession: message.sessionUpdate,
    }),
  }
}

/** The member that holds what a message of the type is about. */
function webBody(type: WebMessage['type'], { content, messageAttachment: attached }: NIMMessage): Partial<WebMessage> {
  switch (type) {
    case 'image': case 'audio': case 'video': case 'file': return { file: attached ?? {} }
    case 'geo': return { geo: attached ?? {} }
    case 'tip': return { tip: content ?? '' }
    case 'notification': return { attach: attached ?? {} }
    case 'text': return {}
    default: return { content: textOf(attached) ?? content ?? '' }
  }
}

function ngMessage(message: NIMMessage, key: SessionKey, account: string): IMMessage {
  const shared = common(message, key, account)
  const { sessionUpdate, pushContent } = message
  return {
    ...shared,
    status: shared.flow === 'out' ? 'sent' : 'unread',
    body: message.content ?? '',
    feature: 'default',
    ...defined({
      attach: message.messageAttachment,
      ext: textOf(message.remoteExtension),
      setting: sessionUpdate === undefined ? undefined : { needUpdateSession: sessionUpdate },
      pushInfo: pushContent === undefined ? undefined : { pushContent },
    }),
  }
}

/** What both SDKs call the same in the notice of a revoke. Of the message, its ids may be all that is left. */
function notice(session: RecentSession, account: string) {
  const { message, revokeAccount, customInfo, attach, callbackExt } = session.revokeNotification!
  const left: Partial<NIMMessage> = message
  const from = left.fromAccount ?? ''
  const out = left.messageDirection === 'outgoing' || from === account
  return {
    left,
    revokeAccount,
    shared: {
      time: left.timestamp ?? session.updateTime,
      from,
      to: receiver(session, out, account),
      ...defined({ ps: customInfo || undefined, attach: attach || undefined, callbackExt: callbackExt || undefined }),
    },
  }
}

function webNotice(session: RecentSession, account: string): NIMSystemMessage {
  const { left, revokeAccount, shared } = notice(session, account)
  return {
    ...shared,
    type: 'deleteMsg',
    scene: session.sessionType,
    opeAccount: revokeAccount,
    deletedIdClient: left.uuid ?? '',
    deletedIdServer: left.serverId ?? '',
    status: 'success',
    ...defined({ deletedMsgTime: left.timestamp, deletedMsgFromNick: left.fromNickname }),
  }
}

const recalls = { p2p: 'recallMsgP2p', team: 'recallMsgTeam', superTeam: 'recallMsgSuperTeam' } as const

function ngNotice(session: RecentSession, account: string): SystemMessage {
  const { left, revokeAccount, shared } = notice(session, account)
  const idServer = left.serverId ?? ''
  return {
    ...shared,
    type: recalls[session.sessionType],
    idServer,
    state: 'none',
    feature: 'default',
    recallMessageInfo: {
      idClient: left.uuid ?? '',
      idServer,
      createTime: shared.time,
      fromNick: left.fromNickname ?? '',
      opeAccount: revokeAccount,
    },
  }
}

function textOf(value: object | undefined): string | undefined {
  return value && JSON.stringify(value)
}

/** The members that have a value: the vendor leaves out the others. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
