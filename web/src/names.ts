import type { NIMMessage, RecentSession, SessionKey } from 'recents'
import { lastMessage } from './preview'
import { keyOf } from './sessions'

/**
 * What people and groups call themselves, learned from their messages. The service knows ids alone, and a session
 * carries only its last message: a nickname comes with a message that somebody sends, and what this page sends says
 * what it calls the receiver, so that a friend's name does not turn back into an id with each answer of ours.
 */
export class Names {
  readonly #known = new Map<string, string>()

  /** Remembers the names that a session's last message carries. True when one is news. */
  learn(session: RecentSession): boolean {
    const message = session.revokeNotification?.message ?? lastMessage(session)
    if (!message) return false
    const sender = this.#remember(personKey(message.fromAccount), message.fromNickname)
    return this.#remember(keyOf(session), receiverName(session, message)) || sender
  }

  /** The account's nickname, or the account itself. */
  of(account: string): string {
    return this.#known.get(personKey(account)) ?? account
  }

  /** The title of a session: the friend's or the group's name, or the id. */
  titleOf(session: SessionKey): string {
    return this.#known.get(keyOf(session)) ?? session.sessionId
  }

  /** What to put into a message by `from`, for those who read it and for this page when it is opened again. */
  tagsFor(to: SessionKey, from: string): Pick<NIMMessage, 'fromNickname' | 'remoteExtension'> {
    const mine = this.#known.get(personKey(from))
    const theirs = this.#known.get(keyOf(to))
    const tag = to.sessionType === 'p2p' ? 'toNickname' : 'teamName'
    return { ...(mine ? { fromNickname: mine } : {}), ...(theirs ? { remoteExtension: { [tag]: theirs } } : {}) }
  }

  #remember(key: string, name: unknown): boolean {
    if (typeof name !== 'string' || !name.trim() || this.#known.get(key) === name) return false
    this.#known.set(key, name)
    return true
  }
}

function personKey(account: string): string {
  return keyOf({ sessionId: account, sessionType: 'p2p' })
}

function receiverName(session: RecentSession, message: NIMMessage): unknown {
  if (session.sessionType !== 'p2p') return message.remoteExtension?.teamName
  return message.messageDirection === 'outgoing' ? message.remoteExtension?.toNickname : undefined
}
