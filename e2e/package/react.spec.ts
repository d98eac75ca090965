import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import type { SessionListState } from 'recents/react'
import { expect, test } from '../fixtures'
import { Host } from '../host'
import type { Server } from '../server'
import { install, run, tool } from './installed'

const bundle = ['--bundle', '--format=esm', '--splitting', '--jsx=automatic', '--log-level=warning']

/** recents/react in real React, of the package that is installed from its tarball. */
test.describe('recents/react', () => {
  let place: string
  let host: Host
  test.beforeAll(async () => {
    test.setTimeout(180_000)
    place = await install('react')
    const directory = join(place, 'react')
    await tool(directory, 'esbuild', 'app.jsx', ...bundle, '--outdir=19')
    await tool(directory, 'esbuild', 'app.jsx', ...bundle, '--outdir=18', '--alias:react=react-18', '--alias:react-dom=react-dom-18')
    for (const version of ['18', '19']) {
      await run(directory, 'cp', 'index.html', '../node_modules/recents/recents.wasm', version)
    }
    host = await Host.open(directory)
  })
  test.afterAll(() => host.close())

  /** Opens the app as alice; what the page complains of fails the test. */
  async function open(page: Page, server: Server, version: string, limit: number): Promise<string[]> {
    const complaints: string[] = []
    page.on('console', (message) => ['warning', 'error'].includes(message.type()) && complaints.push(message.text()))
    await page.goto(`${host.url}/${version}/?${new URLSearchParams({ url: server.url, account: 'alice', limit: String(limit) })}`)
    await expect(page.locator('body')).toHaveAttribute('data-react', new RegExp(`^${version}\\.`))
    return complaints
  }

  const stateOf = async (page: Page): Promise<Partial<SessionListState>> => JSON.parse((await page.locator('#list').getAttribute('data-state'))!)
  const live = { loading: false, error: null, fresh: true, complete: true, pending: false }

  for (const version of ['18', '19']) {
    test(`React ${version}: a list that pages, moves, shows own writes and takes away, in StrictMode, without a warning`, async ({ api, server, page }) => {
      for (const friend of ['dave', 'carol', 'bob']) await api.send(friend, 'alice', `from ${friend}`)
      const complaints = await open(page, server, version, 2)
      const rows = page.locator('li')
      await expect(page.locator('#status')).toHaveText('live 0')
      await expect(rows).toHaveText([/^bob: from bob/, /^carol: from carol/])
      await expect.poll(() => stateOf(page)).toMatchObject({ ...live, hasMore: true })
      await page.getByText('more').click()
      await expect(rows).toHaveText([/^bob/, /^carol/, /^dave/])
      await expect.poll(() => stateOf(page)).toMatchObject({ ...live, hasMore: false })

      await api.send('dave', 'alice', 'again') // a message moves its session up
      await expect(rows).toHaveText([/^dave: again/, /^bob/, /^carol/])
      await page.locator('[data-id=bob] .pin').click() // an own write, of which no event tells
      await expect(rows.nth(1)).toHaveText(/^bob: from bob \[pinned\]/)
      await expect(page.locator('#bob')).toHaveText('pinned')
      await expect(page.locator('#status'), 'the write has landed, before the next').toHaveText('live 0')
      await api.user('alice', '/v1/updateMySession', { sessionId: 'bob', sessionType: 'p2p', ext: 'from my phone' })
      await expect(page.locator('#bob')).toHaveText('from my phone')
      await page.locator('[data-id=carol] .delete').click() // an own delete
      await expect(rows).toHaveText([/^dave/, /^bob/])
      await api.user('alice', '/v1/deleteMySession', { sessionList: [{ sessionId: 'bob', sessionType: 'p2p' }] })
      await expect(rows).toHaveText([/^dave/])
      await expect(page.locator('#bob')).toHaveText('none')

      await page.locator('#toggle').click() // nobody looks any more
      await expect(rows).toHaveCount(0)
      await api.send('bob', 'alice', 'while nobody looked')
      await page.locator('#toggle').click()
      await expect(rows).toHaveText([/^bob: while nobody looked/, /^dave/])
      expect(complaints).toEqual([])
    })
  }

  test('offline: the list of before, which says so; a write shows and waits; all is well when back', async ({ api, server, page }) => {
    for (const friend of ['carol', 'bob']) await api.send(friend, 'alice', `from ${friend}`)
    await open(page, server, '19', 20)
    await expect(page.locator('#status')).toHaveText('live 0')
    await expect.poll(() => stateOf(page)).toMatchObject(live)

    await server.stop()
    await expect(page.locator('#status')).toHaveText('offline 0')
    await expect.poll(() => stateOf(page)).toMatchObject({ fresh: false, source: 'cache', complete: true })
    await page.locator('[data-id=bob] .pin').click()
    await expect(page.locator('#bob')).toHaveText('pinned')
    await expect(page.locator('#status')).toHaveText('offline 1')
    await expect.poll(() => stateOf(page)).toMatchObject({ pending: true })
    await page.reload()
    await expect(page.locator('li')).toHaveText([/^bob: from bob \[pinned\]/, /^carol/])

    await server.start()
    await expect(page.locator('#status')).toHaveText('live 0', { timeout: 45_000 })
    await expect.poll(() => stateOf(page)).toMatchObject(live)
    expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'bob', sessionType: 'p2p' })).toMatchObject({ ext: 'pinned' })
  })

  test('two tabs: what one writes shows in the other, and both say that it is the server\'s state', async ({ api, server, page, context }) => {
    for (const friend of ['carol', 'bob']) await api.send(friend, 'alice', `from ${friend}`)
    const other = await context.newPage()
    for (const tab of [page, other]) {
      await open(tab, server, '19', 20)
      await expect(tab.locator('#status')).toHaveText('live 0')
      await expect.poll(() => stateOf(tab)).toMatchObject(live)
    }
    await page.locator('[data-id=bob] .pin').click()
    await expect(other.locator('li')).toHaveText([/^bob: from bob \[pinned\]/, /^carol/])
    await other.locator('[data-id=carol] .delete').click()
    await expect(page.locator('li')).toHaveText([/^bob/])
    for (const tab of [page, other]) await expect.poll(() => stateOf(tab)).toMatchObject(live)
  })

  test('what the server refuses is an error that the list tells', async ({ server, page }) => {
    await open(page, server, '19', 101)
    await expect.poll(() => stateOf(page)).toMatchObject({ loading: false, error: 414 })
  })

  test('the example of README.md runs as it stands', async ({ api, server, page }) => {
    for (let i = 0; i < 21; i++) await api.send(`friend-${i}`, 'alice', 'hello')
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    const [, example] = /^```jsx\n(.*?)^```$/ms.exec(readme)!
    const directory = join(place, 'react')
    const options = JSON.stringify({ url: server.url, account: 'alice', token: await api.token('alice') })
    await writeFile(join(directory, 'readme.jsx'), `${example}
      import { createRoot } from 'react-dom/client'
      import { connect } from 'recents'
      createRoot(document.getElementById('root')).render(<Chats client={connect(${options})} />)`)
    await tool(directory, 'esbuild', 'readme.jsx', ...bundle, '--outdir=19')
    host.pages.set('/readme.html', '<!doctype html><div id="root"></div><script type="module" src="/19/readme.js"></script>')
    await page.goto(`${host.url}/readme.html`)
    await expect(page.locator('li')).toHaveCount(20)
    await page.getByText('More').click()
    await expect(page.locator('li')).toHaveCount(21)
    await expect(page.locator('ul')).toHaveClass('live')
    await expect(page.locator('li').first()).toHaveText('friend-20')
  })

  test('renders on a server, without a client and with one: loading', async () => {
    const loading = { sessions: [], loading: true, error: null, bob: true }
    expect(JSON.parse(await run(join(place, 'react'), 'node', 'server.js'))).toEqual([{ ...loading, status: null }, { ...loading, status: null }])
  })
})
