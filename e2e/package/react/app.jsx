// A chat list in React: what the tests of recents/react open, built with React 18 and with 19.
import { StrictMode, useState, version } from 'react'
import { createRoot } from 'react-dom/client'
import { connect } from 'recents'
import { RecentsProvider, useClient, useSession, useSessionList, useStatus } from 'recents/react'

const { url, account, limit } = Object.fromEntries(new URLSearchParams(location.search))

const client = connect({
  url,
  account,
  token: async () => {
    const response = await fetch(`${url}/v1/dev/token`, { method: 'POST', body: JSON.stringify({ account }) })
    return (await response.json()).data.token
  },
})

function List() {
  const { sessions, hasMore, loadMore, loading, error, fresh, complete, pending, source } = useSessionList({ limit: Number(limit) || undefined })
  return (
    <section id="list" data-state={JSON.stringify({ hasMore, loading, error: error && error.code, fresh, complete, pending, source })}>
      <ul>{sessions.map((session) => <Row key={`${session.sessionType}|${session.sessionId}`} session={session} />)}</ul>
      {hasMore && <button onClick={loadMore}>more</button>}
    </section>
  )
}

function Row({ session: { sessionId, sessionType, ext, lastMsg } }) {
  const { messageService } = useClient()
  return (
    <li data-id={sessionId}>
      {`${sessionId}: ${lastMsg ? JSON.parse(lastMsg).content : ''}${ext ? ` [${ext}]` : ''}`}
      <button className="pin" onClick={() => messageService.updateMySession(sessionId, sessionType, 'pinned')}>pin</button>
      <button className="delete" onClick={() => messageService.deleteMySession([{ sessionId, sessionType }])}>delete</button>
    </li>
  )
}

function Bob() {
  const { session, loading, error } = useSession('p2p|bob')
  return <p id="bob">{loading ? 'loading' : error ? error.code : session ? (session.ext ?? 'no ext') : 'none'}</p>
}

function Status() {
  const status = useStatus()
  return <p id="status">{status && `${status.connection} ${status.pending}`}</p>
}

function App() {
  const [shown, setShown] = useState(true)
  return (
    <>
      <button id="toggle" onClick={() => setShown(!shown)}>{shown ? 'hide' : 'show'}</button>
      {shown && <><Status /><Bob /><List /></>}
    </>
  )
}

document.body.dataset.react = version
createRoot(document.getElementById('root')).render(
  <StrictMode>
    <RecentsProvider client={client}>
      <App />
    </RecentsProvider>
  </StrictMode>,
)
