// Renders on a server: without a client, and with one that was never asked.
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { connect } from 'recents'
import { RecentsProvider, useSession, useSessionList, useStatus } from 'recents/react'

function Page() {
  const { sessions, loading, error } = useSessionList({ limit: 20 })
  return JSON.stringify({ sessions, loading, error, bob: useSession('p2p|bob').loading, status: useStatus() && 'a status' })
}

const render = (client) => renderToString(createElement(RecentsProvider, { client }, createElement(Page))).replaceAll('&quot;', '"')

const client = connect({ url: 'http://127.0.0.1:1', account: 'alice', token: 't', storage: 'memory', logger: {} })
console.log(JSON.stringify([JSON.parse(render(null)), JSON.parse(render(client))]))
await client.close()
