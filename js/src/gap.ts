import type { RecentSession, RecentSessionList, SessionKey } from './api.js'
import type { Call } from './params.js'
import { isSame, keyOf } from './rows.js'
import { CallDelete } from './wire.gen.js'

/**
 * What an app that was shown one list has not seen of a later one: sessions to tell of, the oldest first, and those that
 * are gone. Both lists are the newest sessions, each as far as it reaches; `heard` are the keys that it was told of since,
 * and `own` its own writes since, of which an app is not told.
 */
export function differences(
  shown: RecentSessionList,
  now: RecentSessionList,
  heard: ReadonlySet<string>,
  own: readonly Call[],
): { updated: RecentSession[]; deleted: SessionKey[] } {
  const was = new Map(shown.sessionList.map((session) => [keyOf(session), session]))
  const is = new Set(now.sessionList.map(keyOf))
  const written = writtenBy(own)
  const isNew = (session: RecentSession): boolean => {
    const known = was.get(keyOf(session))
    const isOwn = written.get(keyOf(session)) === (session.ext ?? '')
    if (!known) return session.updateTime > reach(shown) && !(isOwn && session.lastMsg === undefined)
    return isOwn ? !isSame({ ...known, ext: '' }, { ...session, ext: '' }) : JSON.stringify(known) !== JSON.stringify(session)
  }
  const isGone = (session: RecentSession): boolean =>
    !is.has(keyOf(session)) && session.updateTime > reach(now) && written.get(keyOf(session)) !== null
  return {
    updated: now.sessionList.filter((session) => !heard.has(keyOf(session)) && isNew(session)).reverse(),
    deleted: shown.sessionList
      .filter((session) => !heard.has(keyOf(session)) && isGone(session))
      .map(({ sessionId, sessionType }) => ({ sessionId, sessionType })),
  }
}

/** Above which update time the list holds every session. */
function reach({ hasMore, sessionList }: RecentSessionList): number {
  return hasMore ? (sessionList.at(-1)?.updateTime ?? 0) : 0
}

/** What writes leave: the ext by the session's key, null where it is deleted. */
function writtenBy(calls: readonly Call[]): Map<string, unknown> {
  const written = new Map<string, unknown>()
  for (const { kind, body } of calls) {
    const { sessionList, ext, ...key } = JSON.parse(body)
    for (const each of Array.isArray(sessionList) ? sessionList : [key]) written.set(wholeKey(each), kind === CallDelete ? null : ext)
  }
  return written
}

/** The key of a session that an app named, by a bare id or by the whole key; anything for what the core refuses. */
function wholeKey(key: Partial<SessionKey> | null): string {
  const id = String(key?.sessionId)
  const sessionType = key?.sessionType
  return sessionType === undefined || id.startsWith(keyOf({ sessionType, sessionId: '' })) ? id : keyOf({ sessionType, sessionId: id })
}
