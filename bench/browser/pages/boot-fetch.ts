import type { RecentSession } from 'recents'
import { server, token } from './address.js'
import { show } from './list.js'

/** The first 100 sessions with nothing but a fetch: what no client can be faster than. */
const response = await fetch(`${server}/v1/queryMySessionList`, {
  method: 'POST',
  headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
  body: '{"limit":100}',
})
const list: RecentSession[] = JSON.parse(await response.text()).data.sessionList
show(list.map(({ sessionId, updateTime, recentSession: { senderNickname, lastMessageContent } }) =>
  ({ key: sessionId, name: senderNickname!, text: lastMessageContent!, time: updateTime })))
