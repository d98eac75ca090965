import type { RecentSession } from 'recents'

/**
 * What people call themselves, learned from their messages. A session carries only its last message's
 * nickname, so without this memory a friend's name would turn back into an id with each answer of ours.
 */
export class Names {
  readonly #known = new Map<string, string>()

  /** Remembers the sender's nickname of a session's last message. True when it is news. */
  learn(session: RecentSession): boolean {
    const { senderAccount: account, senderNickname: name } = session.recentSession
    if (!account || !name?.trim() || this.#known.get(account) === name) return false
    this.#known.set(account, name)
    return true
  }

  /** The account's nickname, or the account itself. */
  of(account: string): string {
    return this.#known.get(account) ?? account
  }

  /** The title of a session: the friend's name, or the group's id. */
  titleOf(session: { sessionId: string; sessionType: string }): string {
    return session.sessionType === 'p2p' ? this.of(session.sessionId) : session.sessionId
  }
}
