import { connect, type RecentSession } from 'recents'
import { options } from './address.js'
import { show } from './list.js'

/** The first 100 sessions, as an app shows them. */
const { data } = await connect(options).messageService.queryMySessionList({ limit: 100 })
show(data!.sessionList.map(shown))

function shown({ sessionId, updateTime, recentSession }: RecentSession): Parameters<typeof show>[0][number] {
  return { key: sessionId, name: recentSession.senderNickname!, text: recentSession.lastMessageContent!, time: updateTime }
}
