/** Compiled and never run: the public types are exactly these, and the package is what they say. */
import type { Client, ClientStatus, ConnectOptions, EventStream, NIMMessage, NIMResult, NIMSession, RecentSession, RecentSessionList, RevokeMsgNotification, SessionKey, SessionType } from '../src/api.js'
import type * as api from '../src/api.js'
import { connect } from '../src/index.js'

/** True when two types are the same, which mutual assignability is not. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<_T extends true>(): void {}

export async function compileOnly(options: ConnectOptions, key: CryptoKey): Promise<void> {
  holds<Same<typeof connect, typeof api.connect>>()
  const client = connect(options)
  holds<Same<typeof client, Client>>()
  const ms = client.messageService

  holds<Same<Awaited<ReturnType<typeof ms.queryMySession>>, NIMResult<RecentSession>>>()
  const list = await ms.queryMySessionList(0, 0, 1, 100, 0, { signal: new AbortController().signal })
  holds<Same<typeof list, NIMResult<RecentSessionList>>>()
  holds<Same<typeof list.data, RecentSessionList | null>>()
  holds<Same<typeof list.source, 'server' | 'cache'>>()
  await ms.queryMySessionList()
  await ms.queryMySessionList({ limit: 20, needLastMsg: false, hasMore: 0, signal: new AbortController().signal })
  await ms.queryMySessionList({ limit: 20 }, { signal: new AbortController().signal })
  // @ts-expect-error: a limit is a number
  await ms.queryMySessionList({ limit: '20' })
  await ms.queryMySession('p2p|bob')
  await ms.queryMySession('p2p|bob', { signal: new AbortController().signal })
  // @ts-expect-error: the type of a session is not free text
  await ms.queryMySession('bob', 'chatRoom')
  const updated = await ms.updateMySession('bob', 'p2p', '')
  holds<Same<typeof updated, NIMResult<null>>>()
  // @ts-expect-error: ext is a string
  await ms.updateMySession('bob', 'p2p', { pinned: true })
  await ms.deleteMySession([{ sessionId: 'p2p|bob' }, { sessionId: 't', sessionType: 'team' }])

  const session = {} as RecentSession
  holds<Same<SessionType, 'p2p' | 'team' | 'superTeam'>>()
  holds<Same<typeof session.ext, string | undefined>>()
  holds<Same<typeof session.lastMsg, string | undefined>>()
  holds<Same<typeof session.lastMsgType, 0 | 1 | undefined>>()
  holds<Same<typeof session.revokeNotification, RevokeMsgNotification | null | undefined>>()
  holds<Same<typeof session.recentSession, NIMSession>>()
  holds<Same<NIMMessage['content'], string | null | undefined>>()
  holds<Same<NIMMessage['messageDirection'], 'outgoing' | 'received'>>()

  holds<Same<typeof ms.onMySessionUpdate, EventStream<RecentSession>>>()
  holds<Same<typeof ms.onMySessionDelete, EventStream<SessionKey[]>>>()
  ms.onMySessionUpdate.listen((s) => s.updateTime).cancel()
  for await (const keys of ms.onMySessionDelete) keys satisfies SessionKey[]
  // @ts-expect-error: one cannot assign what one is given
  ms.onMySessionUpdate = client.onStatus

  holds<Same<typeof client.status, ClientStatus>>()
  holds<Same<ClientStatus['connection'], 'connecting' | 'live' | 'offline' | 'unauthorized' | 'closed'>>()
  holds<Same<typeof client.ready, Promise<string>>>()
  await client.logout({ wipe: true })
  await client.close()

  connect({ url: '', account: '', token: async () => '', storage: 'memory', offlineWrites: 'reject', encryptionKey: key, wasmUrl: new URL('x:y'), logger: console })
  // @ts-expect-error: the account is needed
  connect({ url: '', token: '' })
  // @ts-expect-error: an option that is undefined is left out
  connect({ url: '', account: '', token: '', storage: undefined })
}
