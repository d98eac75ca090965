import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { HiddenTabs, type RawTab } from './chrome'
import { PageClock } from './clock'
import { connect, expect, idsOf, list, test, untilConnection } from './fixtures'
import { measured } from './measured'
import type { Server } from './server'
import { get } from './storage'
import { heardFrom, leaderOf, openTabs, patient, record, sockets, status, trapCore, untilAllShow, untilLive, untilOneSocket } from './tabs'

test('T3 a hidden tab that the browser freezes lets go of the lead', async ({ server, api, host }) => {
  await api.send('bob', 'alice', 'hello')
  const profile = await mkdtemp(join(tmpdir(), 'recents-profile-'))
  const chrome = HiddenTabs.start(profile)
  try {
    const leader = await chrome.open(`${host.url}/blank.html`)
    await connectRaw(leader, server)
    await expect.poll(() => say(leader, 'status.leader && client.status.connection')).toBe('live')
    const visible = await chrome.open(`${host.url}/blank.html`)
    await connectRaw(visible, server)
    await expect.poll(() => say(visible, 'status.connection')).toBe('live')
    expect(await leader.evaluate('document.visibilityState')).toBe('hidden')
    expect(await say(visible, 'status.leader')).toBe(false)

    const frozen = await visible.evaluate<number>('Date.now()')
    await leader.send('Page.setWebLifecycleState', { state: 'frozen' })
    await expect.poll(() => say(visible, 'status.leader')).toBe(true)
    const took = (await visible.evaluate<number>('window.leads')) - frozen
    await expect.poll(() => say(visible, 'status.connection')).toBe('live')
    await expect.poll(() => sockets(server)).toBe(1)
    await api.send('carol', 'alice', 'while it is frozen')
    await expect.poll(() => shownIn(visible)).toEqual(['carol', 'bob'])

    await leader.send('Page.setWebLifecycleState', { state: 'active' })
    await expect.poll(() => shownIn(leader)).toEqual(['carol', 'bob'])
    expect(await say(visible, 'status.leader')).toBe(true)
    measured('T3', `frozen by the browser while hidden: the visible tab leads ${took} ms later, and the thawed one follows`)
  } finally {
    await chrome.kill()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
})

/** Connects alice in a tab that has none of Playwright's means, as `client`. */
async function connectRaw(tab: RawTab, server: Server): Promise<void> {
  await expect.poll(() => tab.evaluate('document.title')).toBe('blank')
  await tab.evaluate(`(async () => {
    const { connect } = await import('/sdk/index.js')
    const token = async () => (await (await fetch('${server.url}/v1/dev/token', { method: 'POST', body: '{"account":"alice"}' })).json()).data.token
    window.client = connect({ url: '${server.url}', account: 'alice', token })
    client.onStatus.listen(({ leader }) => { if (leader) window.leads ??= Date.now() })
  })()`)
}

/** A member of the tab's client. */
const say = (tab: RawTab, member: string): Promise<unknown> => tab.evaluate(`client.${member}`)
const shownIn = (tab: RawTab): Promise<string[]> => tab.evaluate('client.messageService.queryMySessionList().then((r) => r.data.sessionList.map((s) => s.sessionId))')

test('T5 a page out of the back/forward cache asks again, on a new socket', async ({ server, api, host, playwright, launchOptions }) => {
  await api.send('bob', 'alice', 'hello')
  const browser = await playwright.chromium.launch({ ...launchOptions, ignoreDefaultArgs: ['--disable-back-forward-cache'] })
  try {
    const page = await browser.newPage({ baseURL: host.url })
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await record(page)
    await page.evaluate(() => addEventListener('pageshow', (event) => void Object.assign(window, { persisted: event.persisted })))
    await page.goto('/blank.html?another')
    await expect.poll(() => sockets(server), 'one that is put away holds none').toBe(0)
    await api.send('carol', 'alice', 'meanwhile')
    await page.goBack({ waitUntil: 'commit' })
    await expect.poll(() => page.evaluate(() => (window as unknown as { persisted?: boolean }).persisted)).toBe(true)
    await expect.poll(() => heardFrom(page), patient).toEqual(['carol'])
    await untilConnection(page, 'alice', 'live')
    expect((await list(page, 'alice')).data).toEqual(await api.list('alice'))
    await untilOneSocket(server)
    measured('T5', 'put away: 0 sockets; back: 1 socket, 1 event for what was missed, the list exact')
  } finally {
    await browser.close()
  }
})

test('T6 a tab that missed what the leader said reads on from its cursor', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  await context.addInitScript(() => {
    const onmessage = Object.getOwnPropertyDescriptor(BroadcastChannel.prototype, 'onmessage')!
    Object.defineProperty(BroadcastChannel.prototype, 'onmessage', {
      set(listener: (event: MessageEvent) => void) {
        onmessage.set!.call(this, (event: MessageEvent) => 'deaf' in window || listener(event))
      },
    })
  })
  const pages = await openTabs(context, server, 2)
  const leader = await leaderOf(pages)
  const follower = pages.find((page) => page !== leader)!
  await untilAllShow(pages, await api.list('alice'))
  await Promise.all(pages.map(record))
  await follower.evaluate(() => Object.assign(window, { deaf: true }))
  for (let i = 0; i < 5; i++) await api.send(`friend${i}`, 'alice', 'not heard of')
  await expect.poll(async () => (await heardFrom(leader)).length, patient).toBe(5)
  expect(await heardFrom(follower)).toEqual([])
  await follower.evaluate(() => Reflect.deleteProperty(window, 'deaf'))
  await api.send('carol', 'alice', 'heard of')
  await expect.poll(async () => [...(await heardFrom(follower))].sort(), patient).toEqual(['carol', 'friend0', 'friend1', 'friend2', 'friend3', 'friend4'])
  await untilAllShow(pages, await api.list('alice'))
  measured('T6', '5 changes not heard of: all 6 told once with the next word of the leader')
})

test('T9 timers once a minute and a slow CPU are no reason for more than one failover', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const hidden = await context.newPage()
  await hidden.addInitScript(() => {
    Object.defineProperty(Document.prototype, 'visibilityState', { get: () => 'hidden' })
    // A hidden tab's timers run once a minute; here, when the test says so.
    const due: (() => void)[] = []
    const wait = setTimeout
    // The numbers lie above the browser's: clearTimeout of one must not stop a timer that does run.
    window.setTimeout = ((f: () => void, ms = 0) => (ms < 1000 ? wait(f, ms) : 1e9 + due.push(f))) as typeof setTimeout
    window.setInterval = ((f: () => void) => due.push(function again() {
      f()
      due.push(again)
    })) as unknown as typeof setInterval
    Object.assign(window, { minute: () => due.splice(0).forEach((f) => f()) })
  })
  await connect(hidden, server, 'alice')
  await leaderOf([hidden])
  await untilConnection(hidden, 'alice', 'live')
  const devtools = await context.newCDPSession(hidden)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 20 })

  const visible = await context.newPage()
  const clock = await PageClock.of(visible)
  const statuses = await connect(visible, server, 'alice')
  const minutePasses = (): Promise<void> => hidden.evaluate(() => (window as unknown as { minute(): void }).minute())
  await clock.until('the visible tab is live', async () => {
    await minutePasses() // the leader's next word, should the first have come too soon
    return (await status(visible)).connection === 'live'
  })
  for (let minute = 0; minute < 3; minute++) {
    await minutePasses()
    await clock.pass(60)
    await api.send('bob', 'alice', `minute ${minute}`)
    await clock.until('both show it', async () => {
      const shown = await Promise.all([hidden, visible].map(async (page) => JSON.stringify((await list(page, 'alice')).data)))
      return shown.every((data) => data === shown[0]) && shown[0]!.includes(`minute ${minute}`)
    }, { most: 20 })
  }
  const turns = (await statuses()).filter((s, i, all) => i > 0 && s.leader !== all[i - 1]!.leader).length
  expect(turns, 'the visible tab may take the lead of a hidden one, once').toBeLessThanOrEqual(1)
  expect(await status(visible)).toMatchObject({ storage: 'indexeddb', connection: 'live' })
  await untilOneSocket(server)
  measured('T9', `3 minutes beside a leader with timers once a minute and a CPU 20 times slower: ${turns} failover, 1 socket, both lists exact`)
})

test('T12 when the core of the tab that leads dies, another tab leads', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const pages = await Promise.all([context.newPage(), context.newPage()])
  await Promise.all(pages.map(trapCore))
  await Promise.all(pages.map((page) => connect(page, server, 'alice')))
  await untilLive(pages)
  const leader = await leaderOf(pages)
  const other = pages.find((page) => page !== leader)!
  await Promise.all(pages.map(record))
  await leader.evaluate(() => Object.assign(window, { traps: 1 }))
  expect(await get(leader, 'bob')).toMatchObject({ code: 500, data: null, errorDetails: 'core: unreachable' })
  await expect.poll(async () => (await leaderOf(pages)) === other).toBe(true)
  await untilLive(pages)
  await api.send('carol', 'alice', 'after it')
  for (const page of pages) await expect.poll(() => heardFrom(page), patient).toEqual(['carol'])
  await untilAllShow(pages, await api.list('alice'))
  await untilOneSocket(server)
  measured('T12', 'a trap in the leader’s core: the other tab leads, and the new core of the first follows')
})

test('T12 a tab whose core cannot be loaded holds up no other', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const [broken, whole] = (await Promise.all([context.newPage(), context.newPage()])) as [Page, Page]
  await broken.route('**/recents.wasm', (route) => route.abort())
  await connect(broken, server, 'alice')
  expect(await broken.evaluate(() => window.clients.alice!.ready)).toMatch(/^core: /)
  await connect(whole, server, 'alice')
  expect(await leaderOf([broken, whole])).toBe(whole)
  await untilConnection(whole, 'alice', 'live')
  for (const page of [broken, whole]) expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
  measured('T12', 'no core in one tab: the other one leads, both have the list')
})
