/** What a session says in one line. Everything here is text that others wrote: it is shown as text only. */
import type { NIMMessage, RecentSession, RevokeMsgNotification } from 'recents'
import type { Names } from './names'

export type Sign = 'image' | 'audio' | 'video' | 'location' | 'file' | 'notice' | 'bot' | 'custom' | 'call' | 'revoked'

/** One line of a row: `[sign] sender: text`. */
export interface Preview {
  sign?: Sign
  /** Who speaks, when that is not plain from the row: "You", or a group's member. */
  sender?: string | undefined
  text: string
  /** The line is about the chat and not something that somebody said in it. */
  quiet: boolean
}

/** How much of a message a row repeats, in UTF-16 code units; a row has room for less. */
const longest = 200

const kinds: Record<string, { sign: Sign; word: string }> = {
  image: { sign: 'image', word: 'Photo' },
  audio: { sign: 'audio', word: 'Voice message' },
  video: { sign: 'video', word: 'Video' },
  location: { sign: 'location', word: 'Location' },
  file: { sign: 'file', word: 'File' },
  notification: { sign: 'notice', word: 'Notice' },
  tip: { sign: 'notice', word: 'Notice' },
  robot: { sign: 'bot', word: 'Bot' },
  custom: { sign: 'custom', word: 'Custom message' },
  avchat: { sign: 'call', word: 'Call' },
}

/** The line for a session as `me` sees it. */
export function previewOf(session: RecentSession, me: string, names: Names): Preview {
  if (session.lastMsgType === 1 && session.revokeNotification) {
    return { sign: 'revoked', text: revokeText(session.revokeNotification, me, names), quiet: true }
  }
  const message = lastMessage(session)
  if (!message) return { text: 'No messages yet', quiet: true }
  return { ...body(message), sender: senderOf(message, session, me, names), quiet: false }
}

/** The session's last message; null when there is none, or none that can be read. */
export function lastMessage(session: RecentSession): NIMMessage | null {
  if (!session.lastMsg) return null
  try {
    const message: unknown = JSON.parse(session.lastMsg)
    return typeof message === 'object' ? (message as NIMMessage) : null
  } catch {
    return null
  }
}

/** What a message says: its text, or a sign and a word with what is known of the attachment. */
export function body(message: NIMMessage): { sign?: Sign; text: string } {
  const content = oneLine(message.content)
  const kind = Object.hasOwn(kinds, message.messageType) ? kinds[message.messageType] : undefined
  if (!kind) return { text: content || oneLine(message.pushContent) || 'Message' }
  const detail = content || detailOf(message)
  return { sign: kind.sign, text: detail ? `${kind.word}: ${detail}` : kind.word }
}

/** "bob took a message back", with the notice that came with it. */
export function revokeText(revoke: RevokeMsgNotification, me: string, names: Names): string {
  const author = textOf(revoke.message?.fromAccount)
  const operator = textOf(revoke.revokeAccount) || author
  const whose = author && author !== operator ? `a message of ${author === me ? 'yours' : names.of(author)}` : 'a message'
  const text = `${operator === me ? 'You' : names.of(operator) || 'Somebody'} took ${whose} back`
  const notice = oneLine(revoke.customInfo)
  return notice ? `${text}: ${notice}` : text
}

function senderOf(message: NIMMessage, session: RecentSession, me: string, names: Names): string | undefined {
  if (message.messageDirection === 'outgoing' || message.fromAccount === me) return 'You'
  return session.sessionType === 'p2p' ? undefined : names.of(textOf(message.fromAccount))
}

function detailOf(message: NIMMessage): string {
  const attachment = message.messageAttachment ?? {}
  const seconds = Number(attachment.dur) / 1000
  if (message.messageType === 'audio' || message.messageType === 'video') return seconds > 0 ? duration(seconds) : ''
  return oneLine(attachment.displayName) || oneLine(attachment.title) || oneLine(attachment.name) || oneLine(message.pushContent)
}

function duration(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** A value's text in one line; `''` for what is no string: types are promised by a server, not proven. */
function oneLine(value: unknown): string {
  const text = textOf(value).replace(/\s+/gu, ' ').trim()
  return text.length > longest ? `${text.slice(0, longest).replace(/[\uD800-\uDBFF]$/, '')}…` : text
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
