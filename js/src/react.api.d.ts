/** The public types of `recents/react`: hooks that follow an account, for React 18 and above. */
import type { FunctionComponent, ReactNode } from 'react'
import type { Client, ClientStatus, RecentSession, SessionKey } from './api.js'

export type { Client, ClientStatus, NIMMessage, RecentSession, SessionKey } from './api.js'

/** Why the last question was not answered. */
export interface Failure {
  /** As in NIMResult: 302 the token, 414 a parameter, 415 offline and nothing cached. */
  code: number
  errorDetails: string
}

/** A list as it is now. The same object until something in it changes; so is each of its sessions. */
export interface SessionListState {
  /** Newest first. */
  readonly sessions: readonly RecentSession[]
  /** Whether older sessions exist, as far as is known. */
  readonly hasMore: boolean
  /** True until the first answer, and while `loadMore` runs. */
  readonly loading: boolean
  /** Of the last question; what was shown before it stays. */
  readonly error: Failure | null
  /** True when this is the server's state. */
  readonly fresh: boolean
  /** False when the cache does not reach as far down as was asked; then `hasMore` is true. */
  readonly complete: boolean
  /** True when it shows a write that waits for the server. */
  readonly pending: boolean
  readonly source: 'server' | 'cache'
}

/** One session as it is now. The same object until something in it changes. */
export interface SessionState {
  /** Null when there is none. */
  readonly session: RecentSession | null
  /** True until the first answer. */
  readonly loading: boolean
  readonly error: Failure | null
  readonly fresh: boolean
  readonly pending: boolean
  readonly source: 'server' | 'cache'
}

/** What {@link useSessionList} gives. */
export interface SessionList extends SessionListState {
  /** Asks for the page below, or again for what failed. The same function for as long as the list is the same. */
  readonly loadMore: () => void
}

/** Gives a client to the hooks below it. Null, while there is none yet and on a server: the hooks say `loading`. */
export declare const RecentsProvider: FunctionComponent<{ client: Client | null; children?: ReactNode }>

/**
 * The newest sessions, which follow every change: of others, of other tabs, and of this client's own writes. `limit`
 * is the number of sessions a page, 1 to 100, default 100. Without `client`, the provider's.
 */
export declare function useSessionList(options?: { limit?: number; client?: Client | null }): SessionList

/** One session, by its key (`p2p|bob`) or its id and type, which follows every change as well. */
export declare function useSession(key: string | SessionKey, options?: { client?: Client | null }): SessionState

/** How the client is; null when there is none. */
export declare function useStatus(options?: { client?: Client | null }): ClientStatus | null

/** The provider's client, to write with. */
export declare function useClient(): Client | null
