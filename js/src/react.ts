import { createContext, createElement, useCallback, useContext, useMemo, useSyncExternalStore, type ReactElement, type ReactNode } from 'react'
import type { Client, ClientStatus, SessionKey } from './api.js'
import { LiveList, LiveSession, noList, noSession } from './live.js'
import type { SessionList, SessionListState, SessionState } from './react.api.js'

const Recents = createContext<Client | null>(null)

interface Options {
  client?: Client | null
}

export function RecentsProvider({ client, children }: { client: Client | null; children?: ReactNode }): ReactElement {
  return createElement(Recents.Provider, { value: client }, children)
}

export function useClient(): Client | null {
  return useContext(Recents)
}

export function useSessionList({ limit, client: given }: Options & { limit?: number } = {}): SessionList {
  const client = useGiven(given)
  const list = useMemo(() => client && new LiveList(client, limit), [client, limit])
  const state = useLive<SessionListState>(list, noList)
  const loadMore = list?.loadMore ?? nothing
  return useMemo(() => ({ ...state, loadMore }), [state, loadMore])
}

export function useSession(key: string | SessionKey, { client: given }: Options = {}): SessionState {
  const client = useGiven(given)
  const [sessionId, sessionType] = typeof key === 'string' ? [key] : [key.sessionId, key.sessionType]
  const session = useMemo(
    () => client && new LiveSession(client, sessionType ? { sessionId, sessionType } : sessionId),
    [client, sessionId, sessionType],
  )
  return useLive(session, noSession)
}

export function useStatus({ client: given }: Options = {}): ClientStatus | null {
  const client = useGiven(given)
  const status = useMemo(() => client && statusOf(client), [client])
  return useLive<ClientStatus | null>(status, null)
}

function useGiven(given: Client | null | undefined): Client | null {
  const provided = useClient()
  return given === undefined ? provided : given
}

/** What a thing that lives shows. Making one does nothing, as StrictMode asks for: it begins with its first subscriber. */
interface Live<S> {
  subscribe: (listener: () => void) => () => void
  getSnapshot: () => S
}

function useLive<S>(live: Live<S> | null, initial: S): S {
  const nowhere = useCallback(() => initial, [initial])
  return useSyncExternalStore(live?.subscribe ?? never, live?.getSnapshot ?? nowhere, nowhere)
}

function statusOf(client: Client): Live<ClientStatus> {
  return {
    subscribe: (listener) => {
      const heard = client.onStatus.listen(listener)
      return () => heard.cancel()
    },
    getSnapshot: () => client.status,
  }
}

const never = (): (() => void) => nothing
const nothing = (): void => {}
