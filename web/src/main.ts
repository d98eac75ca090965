/**
 * The demo: a chat app's home screen, built on the public names of the package alone.
 *
 * The address says who one is (`?as=alice`) and, for a page that another server serves, where the sessions are
 * (`?server=http://127.0.0.1:8787`). `?devices=2` puts a second device of the account beside the first, `?storage=memory`
 * keeps nothing in this browser, and `?dir=rtl` turns the page around.
 *
 * For tests, `data-testid` is stable on: account-choice (its links have data-account) · list (data-source, data-fresh) ·
 * row (data-key="p2p|bob") · row-name · row-text · row-time · load-more · end · empty · no-hits · offline-banner · cached-mark ·
 * composer-to · composer-type · composer-text · composer-send · offline-switch · status (data-connection) · error · search ·
 * search-clear · menu · undo · inspector · two-devices · device-indexeddb · device-memory · and in the open chat: pin · revoke ·
 * delete · back. `<html data-shell="kept">` says that the page would open without its server.
 */
import { choice } from './choice'
import { sideBySide } from './devices'
import { installFlight } from './flight'
import { Home } from './home'
import { Server } from './server'
import { keepShell } from './shell'
import { errorState } from './states'

const root = document.getElementById('app')!
const query = new URLSearchParams(location.search)

async function open(account: string): Promise<void> {
  installFlight() // before the SDK is there: it must find the switch in place
  const { connect } = await import('recents')
  const server = new Server(query.get('server') ?? location.origin, account)
  const storage = query.get('storage') === 'memory' ? 'memory' : 'indexeddb'
  const client = connect({ url: server.url, account, storage, token: () => server.freshToken() })
  const home = new Home(client, server)
  root.replaceChildren(home.node)
  home.start()
  await client.ready // only now has all been loaded that the shell consists of
  await keepShell()
}

async function start(): Promise<void> {
  if (query.get('dir') === 'rtl') document.documentElement.dir = 'rtl'
  const account = query.get('as')
  if (!account) {
    root.replaceChildren(choice())
    return
  }
  document.title = `${account} · Recents`
  if (query.get('devices') === '2') {
    root.replaceChildren(sideBySide(account))
    return
  }
  try {
    await open(account)
  } catch (error) {
    root.replaceChildren(errorState(String(error), () => location.reload()))
  }
}

await start()
