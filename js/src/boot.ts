import type { NIMResult, RecentSession, RecentSessionList } from './api.js'
import type { Remote } from './remote.js'
import type { Store } from './store.js'
import { CodeOK } from './wire.gen.js'

/** How long storage may take before the server is asked, ms. */
const headPatience = 300

/**
 * The newest sessions without the core: from the page that was stored for this,
 * or from the server. Undefined when neither has them: the core decides then.
 */
export async function newest(
  limit: number,
  store: Store | undefined,
  remote: Remote,
  signal: AbortSignal,
): Promise<NIMResult<RecentSessionList> | undefined> {
  const head = store && (await soon(store.head(), headPatience))
  return (head ? fromHead(head, limit) : undefined) ?? fromServer(limit, remote, signal)
}

/** What a promise comes to within so many ms; undefined when it does not, or fails. */
export function soon<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, undefined)
    promise.then(resolve, () => resolve(undefined)).finally(() => clearTimeout(timer))
  })
}

/** Reads the stored page, which may hold anything: undefined unless it is one. */
export function fromHead(json: string, limit: number): NIMResult<RecentSessionList> | undefined {
  const head = parse(json)
  const data = readList(head?.data)
  if (!data || !Number.isSafeInteger(head?.asOf)) return undefined
  const cut = data.sessionList.length > limit
  const list = cut ? firstOf(data.sessionList, limit) : data
  return result(list, { source: 'cache', fresh: false, complete: cut || head?.complete === true, asOf: head?.asOf as number })
}

function firstOf(sessions: RecentSession[], limit: number): RecentSessionList {
  const sessionList = sessions.slice(0, limit)
  return { hasMore: true, sessionList, nextMaxTimestamp: sessionList[limit - 1]!.updateTime - 1 }
}

async function fromServer(limit: number, remote: Remote, signal: AbortSignal): Promise<NIMResult<RecentSessionList> | undefined> {
  const answer = await remote.post('/v1/queryMySessionList', JSON.stringify({ limit }), false, signal)
  if (answer.status !== 200) return undefined
  const envelope = parse(new TextDecoder().decode(answer.body))
  const data = envelope?.code === CodeOK ? readList(envelope.data) : undefined
  return data && result(data, { source: 'server', fresh: true, complete: true, asOf: Date.now() })
}

function result(
  data: RecentSessionList,
  about: Pick<NIMResult<never>, 'source' | 'fresh' | 'complete' | 'asOf'>,
): NIMResult<RecentSessionList> {
  return { code: 0, data, errorDetails: '', isSuccess: true, ...about, pending: false }
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(json) ?? undefined
  } catch {
    return undefined // half a page, or a captive portal's
  }
}

function readList(value: unknown): RecentSessionList | undefined {
  const list = value as RecentSessionList | null | undefined
  const fits = typeof list?.hasMore === 'boolean' && typeof list.nextMaxTimestamp === 'number' && Array.isArray(list.sessionList)
  return fits && list.sessionList.every(isSession) ? list : undefined
}

function isSession(value: RecentSession | null): boolean {
  return typeof value?.sessionId === 'string' && Number.isSafeInteger(value.updateTime) && typeof value.recentSession === 'object'
}
