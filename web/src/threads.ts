import type { NIMMessage, RecentSession } from 'recents'
import type { Names } from './names'
import { body, lastMessage, revokeText, type Sign } from './preview'
import { keyOf } from './sessions'

/** One message in an open chat. */
export interface Bubble {
  readonly uuid: string
  readonly from: string
  readonly mine: boolean
  /** ms */
  readonly at: number
  readonly sign?: Sign | undefined
  readonly text: string
  /** It was taken back, and the text says so. */
  readonly revoked: boolean
}

/** How many messages of a chat are kept. */
const longest = 200

/**
 * The messages that passed by since the page was opened. The service keeps one message a session, its last;
 * a chat app has its own history for the rest, and this demo remembers what it saw.
 */
export class Threads {
  readonly #byKey = new Map<string, Bubble[]>()

  constructor(
    readonly me: string,
    readonly names: Names,
  ) {}

  /** The chat's messages, oldest first. */
  of(key: string): readonly Bubble[] {
    return this.#byKey.get(key) ?? []
  }

  /** Takes in a session's last message, or that it was taken back. */
  note(session: RecentSession): void {
    const bubble = this.#bubbleOf(session)
    if (!bubble) return
    const key = keyOf(session)
    const held = this.#byKey.get(key) ?? []
    if (held.some((other) => same(other, bubble))) return
    const others = held.filter(({ uuid }) => uuid !== bubble.uuid)
    others.push(bubble)
    others.sort((a, b) => a.at - b.at)
    this.#byKey.set(key, others.slice(-longest))
  }

  /** Drops a deleted session's messages. */
  forget(key: string): void {
    this.#byKey.delete(key)
  }

  #bubbleOf(session: RecentSession): Bubble | null {
    const revoke = session.lastMsgType === 1 ? session.revokeNotification : null
    const message = revoke ? revoke.message : lastMessage(session)
    if (!message) return null
    const said = revoke ? { sign: 'revoked' as const, text: revokeText(revoke, this.me, this.names) } : wholeBody(message)
    return {
      ...said,
      uuid: message.uuid,
      from: message.fromAccount ?? '',
      mine: message.messageDirection === 'outgoing' || message.fromAccount === this.me,
      at: message.timestamp ?? session.updateTime,
      revoked: revoke !== null,
    }
  }
}

function same(a: Bubble, b: Bubble): boolean {
  return a.uuid === b.uuid && a.text === b.text && a.revoked === b.revoked
}

/** A row has room for one line; a bubble shows the text as it was written. */
function wholeBody(message: NIMMessage): { sign?: Sign; text: string } {
  if (message.messageType === 'text' && typeof message.content === 'string') return { text: message.content }
  return body(message)
}
