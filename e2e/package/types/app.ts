/** What an app's own compiler makes of the package's types. */
import { connect, type NIMResult, type RecentSessionList } from 'recents'
import { NimCore, NIMSessionType } from 'recents/nim'
import NG, { NIM as AlsoNG, type NIMECloudSession } from 'recents/nim-ng'
import { NIM, type NIMCloudSession } from 'recents/nim-web'
import { RecentsProvider, useSession, useSessionList, useStatus } from 'recents/react'
import wasmUrl from 'recents/recents.wasm'

const options = { url: 'https://im.example.com', account: 'alice', token: 't', wasmUrl }

export async function compiled(): Promise<void> {
  const list: NIMResult<RecentSessionList> = await connect(options).messageService.queryMySessionList({ limit: 20 })
  // @ts-expect-error: data is null when the call failed
  list.data.hasMore
  const core = await NimCore.instance.initialize(options)
  core.isSuccess satisfies boolean
  await NimCore.instance.messageService.queryMySession('bob', NIMSessionType.p2p)
  NIM.getInstance(options).getServerSessions({ done: (_, { sessionList }) => sessionList satisfies NIMCloudSession[] })
  // @ts-expect-error: a scene is not free text
  NIM.getInstance(options).getServerSession({ scene: 'chatRoom', to: 'bob' })
  const { sessionList } = await NG.getInstance(options).cloudSession.queryCloudSessionList({})
  sessionList satisfies NIMECloudSession[]
  new AlsoNG(options).on('multiSyncUpdateCloudSession', (session) => session.lastMsgInfo?.isLastMsgRecalled)
}

export function Component(): unknown {
  const { sessions, loadMore } = useSessionList({ limit: 20 })
  loadMore()
  useSession('p2p|bob').session?.updateTime satisfies number | undefined
  useStatus()?.connection satisfies string | undefined
  return [sessions, RecentsProvider]
}
