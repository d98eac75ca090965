import type { RecentSession, RecentSessionList, SessionKey } from './api.js'
import { keyOf } from './rows.js'

/**
 * What an app that was shown one list has not seen of a later one: sessions to tell of, the oldest first, and those that
 * are gone. Both lists are the newest sessions, each as far as it reaches; `heard` are the keys that it was told of since.
 */
export function differences(shown: RecentSessionList, now: RecentSessionList, heard: ReadonlySet<string>): { updated: RecentSession[]; deleted: SessionKey[] } {
  const was = new Map(shown.sessionList.map((session) => [keyOf(session), JSON.stringify(session)]))
  const is = new Set(now.sessionList.map(keyOf))
  const isNew = (session: RecentSession): boolean => {
    const known = was.get(keyOf(session))
    return known === undefined ? session.updateTime > reach(shown) : known !== JSON.stringify(session)
  }
  return {
    updated: now.sessionList.filter((session) => !heard.has(keyOf(session)) && isNew(session)).reverse(),
    deleted: shown.sessionList
      .filter((session) => !heard.has(keyOf(session)) && !is.has(keyOf(session)) && session.updateTime > reach(now))
      .map(({ sessionId, sessionType }) => ({ sessionId, sessionType })),
  }
}

/** Above which update time the list holds every session. */
function reach({ hasMore, sessionList }: RecentSessionList): number {
  return hasMore ? (sessionList.at(-1)?.updateTime ?? 0) : 0
}
