import type { Page } from '@playwright/test'
import { connect, expect, list, test } from './fixtures'
import { measured } from './measured'
import { records } from './storage'
import { crash, heard, heardFrom, leaderOf, openTabs, patient, record, setExt, sockets, status, untilAllShow, untilLive, untilOneSocket } from './tabs'

for (const n of [1, 5, 20]) {
  test(`${n} tabs hold one socket, and each hears of every change once`, async ({ server, api, context }) => {
    test.setTimeout(120_000)
    for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
    const pages = await openTabs(context, server, n)
    await leaderOf(pages)
    await untilOneSocket(server)
    await untilAllShow(pages, await api.list('alice'))
    await Promise.all(pages.map(record))
    await api.send('bob', 'alice', 'again')
    for (const page of pages) await expect.poll(() => heardFrom(page), patient).toEqual(['bob'])
    await api.user('alice', '/v1/deleteMySession', { sessionList: [{ sessionId: 'carol', sessionType: 'p2p' }] })
    for (const page of pages) await expect.poll(async () => (await heard(page)).deletes, patient).toEqual([{ sessionId: 'carol', sessionType: 'p2p' }])
    await api.send('dave', 'alice', 'the last')
    for (const page of pages) await expect.poll(() => heardFrom(page), patient).toEqual(['bob', 'dave'])
    await untilAllShow(pages, await api.list('alice'))
    expect(await sockets(server)).toBe(1)
  })
}

test('a write in a tab that follows reaches the server, and shows in all tabs', async ({ server, api, context }) => {
  for (const friend of ['bob', 'carol']) await api.send(friend, 'alice', 'hello')
  const pages = await openTabs(context, server, 3)
  const leader = await leaderOf(pages)
  const writer = pages.find((page) => page !== leader)!
  await Promise.all(pages.map(record))
  expect(await setExt(writer, 'bob', 'from a follower')).toMatchObject({ isSuccess: true })
  for (const page of pages.filter((p) => p !== writer)) {
    await expect.poll(async () => (await heard(page)).updates.map((s) => s.ext), patient).toEqual(['from a follower'])
  }
  await writer.evaluate(() => window.clients.alice!.messageService.deleteMySession([{ sessionId: 'carol', sessionType: 'p2p' }]))
  for (const page of pages.filter((p) => p !== writer)) await expect.poll(async () => (await heard(page)).deletes.length, patient).toBe(1)
  const right = await api.list('alice')
  expect(right.sessionList).toMatchObject([{ sessionId: 'bob', ext: 'from a follower' }])
  await untilAllShow(pages, right)
  expect(await heard(writer)).toMatchObject({ updates: [], deletes: [] })
  expect(await sockets(server)).toBe(1)
})

test('writes of two tabs that are offline are each sent once, and each tab hears of its own', async ({ server, api, context }) => {
  for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
  const pages = await openTabs(context, server, 2)
  await leaderOf(pages)
  await untilAllShow(pages, await api.list('alice'))
  await Promise.all(pages.map(record))
  await context.setOffline(true)
  for (const page of pages) await expect.poll(async () => (await status(page)).connection, patient).toBe('offline')
  for (const [i, page] of pages.entries()) {
    expect((await setExt(page, 'bob', `tab ${i}`)).code).toBe(202)
    expect((await setExt(page, `friend${i}`, 'made')).code).toBe(202)
  }
  await expect.poll(() => Promise.all(pages.map(async (page) => (await status(page)).pending)), patient).toEqual([4, 4])
  await context.setOffline(false)
  await untilLive(pages)
  for (const page of pages) await expect.poll(async () => (await heard(page)).settled.map((w) => w.code), patient).toEqual([0, 0])
  const right = await api.list('alice')
  expect(Object.fromEntries(right.sessionList.map((s) => [s.sessionId, s.ext]))).toEqual({
    bob: 'tab 1', friend0: 'made', friend1: 'made', carol: undefined, dave: undefined,
  })
  await untilAllShow(pages, right)
})

const leaving: [id: string, how: string, (page: Page) => Promise<unknown>][] = [
  ['T1', 'is closed', (page) => page.close()],
  ['T1', 'closes its client', (page) => page.evaluate(() => window.clients.alice!.close())],
  ['T1', 'goes to another page', (page) => page.goto('about:blank')],
  ['T2', 'crashes', crash],
]

for (const [id, how, leave] of leaving) {
  test(`${id} when the tab that leads ${how}, another one leads, and misses nothing`, async ({ server, api, context }) => {
    await api.send('bob', 'alice', 'hello')
    const pages = await openTabs(context, server, 3)
    const leader = await leaderOf(pages)
    const others = pages.filter((page) => page !== leader)
    await untilAllShow(others, await api.list('alice'))
    await Promise.all(others.map(record))
    await Promise.all(others.map(noteWhenItLeads))
    const left = Date.now()
    await leave(leader)
    await api.send('carol', 'alice', 'to the next')
    const next = await leaderOf(others)
    const leads = await next.evaluate(() => (window as unknown as { leads: number }).leads)
    await untilLive(others)
    for (const page of others) await expect.poll(() => heardFrom(page), patient).toEqual(['carol'])
    await untilAllShow(others, await api.list('alice'))
    await untilOneSocket(server)
    measured(id, `${how}: another tab leads ${leads - left} ms after it was asked to, with 1 socket, and every event came once`)
  })
}

/** Notes in a tab at what time it comes to lead. */
function noteWhenItLeads(page: Page): Promise<void> {
  return page.evaluate(() => {
    window.clients.alice!.onStatus.listen(({ leader }) => {
      if (leader && !('leads' in window)) Object.assign(window, { leads: Date.now() })
    })
  })
}

test('T3 a tab that is frozen lets go, and takes part again when it wakes', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const pages = await openTabs(context, server, 2)
  const leader = await leaderOf(pages)
  const other = pages.find((page) => page !== leader)!
  await leader.evaluate(() => document.dispatchEvent(new Event('freeze')))
  expect(await leaderOf(pages)).toBe(other)
  await untilLive([other])
  await untilOneSocket(server)
  await record(leader)
  await api.send('carol', 'alice', 'meanwhile')
  await leader.evaluate(() => document.dispatchEvent(new Event('resume')))
  await untilLive([leader])
  await expect.poll(() => heardFrom(leader), patient).toEqual(['carol'])
  expect(await leaderOf(pages)).toBe(other)
  await untilAllShow(pages, await api.list('alice'))
  measured('T3', 'told of the freeze: lets go at once, and hears what it missed when it wakes')
})

test('T3 a visible tab takes the place of a leader that is silent, and that one follows', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const [silent] = (await openTabs(context, server, 1)) as [Page]
  await leaderOf([silent])
  await silent.evaluate(() => {
    BroadcastChannel.prototype.postMessage = () => {} // as one that is frozen, and does not know
  })
  const page = await context.newPage()
  await page.clock.install()
  await connect(page, server, 'alice')
  await page.evaluate(() => window.clients.alice!.ready)
  // In small steps: what the page waits for from its storage takes real time.
  const run = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) await page.clock.runFor(1000)
  }
  await run(40)
  expect(await status(page)).toMatchObject({ leader: false, storage: 'indexeddb' })
  let took = 40
  while (took < 56 && !(await status(page)).leader) took += await run(1).then(() => 1)
  expect(await leaderOf([silent, page])).toBe(page)
  await untilLive([silent, page])
  expect(await status(page)).toMatchObject({ storage: 'indexeddb' })
  await untilOneSocket(server)
  await record(silent)
  await api.send('carol', 'alice', 'to the new one')
  await run(1) // it stores what it got
  await expect.poll(() => heardFrom(silent), patient).toEqual(['carol'])
  measured('T3', `not told: its place is taken after ${took} s of the visible tab's clock, and it follows`)
})

test('T3 a tab whose core never comes does not keep the others from leading', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const waiting = await context.newPage()
  await waiting.clock.install()
  let asked = false
  await waiting.route('**/recents.wasm', () => void (asked = true)) // and no answer
  await connect(waiting, server, 'alice')
  await expect.poll(() => asked).toBe(true)
  const page = await context.newPage()
  await page.clock.install()
  await connect(page, server, 'alice')
  await page.evaluate(() => window.clients.alice!.ready)
  for (let i = 0; i < 56 && !(await status(page)).leader; i++) {
    for (const tab of [waiting, page]) await tab.clock.runFor(1000)
  }
  await untilLive([page])
  expect((await status(page)).leader).toBe(true)
  await untilOneSocket(server)
  measured('T3', 'its core never came: its place is taken within 56 s of both clocks, and the other is live')
})

test.describe('T4 without locks, as on plain http', () => {
  test.beforeEach(({ context }) => context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })))

  test('a lease in storage finds one leader, and the next', async ({ server, api, context }) => {
    await context.clock.install() // the pages' own: the test moves it until the lease has run out
    await api.send('bob', 'alice', 'hello')
    const pages = await openTabs(context, server, 3)
    const leader = await leaderOf(pages)
    await untilOneSocket(server)
    await leader.close()
    const others = pages.filter((page) => page !== leader)
    await leaderOf(others, () => context.clock.runFor(1000))
    await untilLive(others)
    expect(await setExt(others[0]!, 'bob', 'later')).toMatchObject({ isSuccess: true })
    await untilAllShow(others, await api.list('alice'))
    await untilOneSocket(server)
    measured('T4', 'no locks: a lease in storage finds 1 leader of 3, and the next one')
  })

  test('a leader that crashed is not waited for by a tab that opens', async ({ server, api, context }) => {
    await api.send('bob', 'alice', 'hello')
    const [page] = (await openTabs(context, server, 1)) as [Page]
    await leaderOf([page])
    await crash(page)
    const pages = await openTabs(context, server, 1)
    await leaderOf(pages)
    await untilAllShow(pages, await api.list('alice'))
  })
})

test('T4 tabs that all believe to lead do no harm', async ({ server, api, context }) => {
  await context.addInitScript(() => Reflect.deleteProperty(window, 'BroadcastChannel')) // so none hears of another
  for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
  const pages = await openTabs(context, server, 3)
  for (const page of pages) expect(await status(page)).toMatchObject({ leader: true })
  for (let i = 0; i < 10; i++) {
    await api.send(`friend${i % 4}`, 'alice', `message ${i}`)
    expect(await setExt(pages[i % 3]!, 'bob', `edit ${i}`)).toMatchObject({ isSuccess: true })
  }
  const right = await api.list('alice')
  expect(right.sessionList.find((s) => s.sessionId === 'bob')).toMatchObject({ ext: 'edit 9' })
  await untilAllShow(pages, right)
  measured('T4', '3 leaders at once: 10 messages and 10 edits between them, none lost, each list exact')
})

test('where no lock is to be had, a tab leads without and is not taken for an older leader', async ({ server, api, page }) => {
  await api.send('bob', 'alice', 'hello')
  await connect(page, server, 'alice')
  await untilLive([page])
  await page.evaluate(() => window.clients.alice!.close())
  await page.addInitScript(() => {
    LockManager.prototype.request = () => Promise.reject(new DOMException('', 'SecurityError'))
  })
  await page.reload()
  const statuses = await connect(page, server, 'alice')
  await untilLive([page])
  for (const text of ['one', 'two', 'three']) {
    await api.send('carol', 'alice', text)
    await expect.poll(async () => JSON.stringify(await list(page, 'alice'))).toContain(text)
  }
  await expect.poll(async () => JSON.stringify(await records(page))).toContain('three')
  const turns = (await statuses()).filter((s, i, all) => i > 0 && s.leader !== all[i - 1]!.leader).length
  expect(turns, 'it leads from the beginning on').toBeLessThanOrEqual(1)
})

test('where no channel can be made, a tab is on its own', async ({ server, api, page }) => {
  await page.addInitScript(() => {
    const Refused = class {
      constructor() {
        throw new DOMException('The operation is insecure.', 'SecurityError')
      }
    }
    Object.assign(window, { BroadcastChannel: Refused })
  })
  await api.send('bob', 'alice', 'hello')
  await connect(page, server, 'alice')
  await untilLive([page])
  expect(await status(page)).toMatchObject({ leader: true, storage: 'indexeddb' })
})

test('T6 whatever else is said on the channel is ignored', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const pages = await openTabs(context, server, 2)
  const leader = await leaderOf(pages)
  const stranger = await context.newPage()
  await stranger.goto('/blank.html')
  await stranger.evaluate(async () => {
    const [{ name }] = (await indexedDB.databases()) as [{ name: string }]
    const channel = new BroadcastChannel(name)
    const texts = ['', '{', '{"connection":"closed","cursor":"x.9"}', '{"connection":7}', '{"first":1,"clientId":null}']
    for (const kind of ['hello', 'leader', 'changed', 'refused', 'free', 'later', '__proto__', 7, null]) {
      for (const v of [1, 2, '1', undefined]) {
        for (const text of [...texts, 7, null, {}]) channel.postMessage({ v, kind, status: text, data: text, age: text === '' ? 0 : text })
        channel.postMessage({ v, kind, status: '{', age: 0 })
      }
    }
    for (const message of ['garbage', 7, null, [], new Uint8Array(9), { v: 2, kind: 'wiped' }]) channel.postMessage(message)
  })
  await Promise.all(pages.map(record))
  await api.send('carol', 'alice', 'after it')
  for (const page of pages) await expect.poll(() => heardFrom(page), patient).toEqual(['carol'])
  expect(await leaderOf(pages)).toBe(leader)
  await untilAllShow(pages, await api.list('alice'))
  await untilLive(pages)
  measured('T6', 'garbage and other versions on the channel: same leader, the next event once in each tab')
})

test('T7 many tabs, opened and closed quickly, leave one that leads', async ({ server, api, context }) => {
  test.setTimeout(120_000)
  await api.send('bob', 'alice', 'hello')
  const pages = await Promise.all(Array.from({ length: 20 }, () => context.newPage()))
  // Every second one is closed whenever that may be: before, while or after it leads.
  await Promise.all(pages.map(async (page, i) => {
    if (i % 2 === 0) return connect(page, server, 'alice')
    await connect(page, server, 'alice').catch(() => {}) // the page may be closed by then
    await page.close()
  }))
  const left = pages.filter((page) => !page.isClosed())
  expect(left).toHaveLength(10)
  await untilLive(left)
  await leaderOf(left)
  await untilOneSocket(server)
  await untilAllShow(left, await api.list('alice'))
  measured('T7', `20 tabs, 10 of them closed at once: ${left.length} left, 1 leads, ${await sockets(server)} socket, no other lock held or waited for but the followers'`)
})

test('T10 a wipe in one tab ends those that write or are offline, and none brings anything back', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const pages = (await openTabs(context, server, 3)) as [Page, Page, Page]
  const [a, b, c] = pages
  await leaderOf(pages)
  const offline = await context.newCDPSession(c)
  await offline.send('Network.enable')
  await offline.send('Network.emulateNetworkConditions', { offline: true, latency: 0, downloadThroughput: 0, uploadThroughput: 0 })
  const writing = b.evaluate(async () => {
    const client = window.clients.alice!
    const codes = new Set<number>()
    for (let i = 0; client.status.connection !== 'closed'; i++) codes.add((await client.messageService.updateMySession('bob', 'p2p', `edit ${i}`)).code)
    codes.add((await client.messageService.updateMySession('bob', 'p2p', 'too late')).code)
    return [...codes]
  })
  await a.evaluate(() => window.clients.alice!.logout({ wipe: true }))
  expect(await writing).toContain(415)
  for (const page of [b, c]) {
    await expect.poll(async () => (await status(page)).connection, patient).toBe('closed')
    expect((await status(page)).lastError).toContain('wiped')
    expect(await list(page, 'alice')).toMatchObject({ code: 415, data: null })
  }
  await expect.poll(() => a.evaluate(() => indexedDB.databases()), patient).toEqual([])
  await expect.poll(() => sockets(server), patient).toBe(0)
  expect(await a.evaluate(() => navigator.locks.query())).toMatchObject({ held: [], pending: [] })
  measured('T10', '3 tabs, one writing and one offline: all closed, 0 databases, 0 sockets, 0 locks')
})

test('T10 a tab that goes on in memory is ended by a wipe in another one, and says so', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const [a, b] = (await openTabs(context, server, 2)) as [Page, Page]
  await leaderOf([a, b])
  await b.evaluate(() => {
    IDBDatabase.prototype.transaction = () => {
      throw new DOMException('lost', 'InvalidStateError')
    }
  })
  await api.send('carol', 'alice', 'hello')
  await expect.poll(async () => (await status(b)).storage, patient).toBe('memory')
  await a.evaluate(() => window.clients.alice!.logout({ wipe: true }))
  await expect.poll(async () => (await status(b)).connection, patient).toBe('closed')
  expect((await status(b)).lastError).toContain('wiped')
  expect(await list(b, 'alice')).toMatchObject({ code: 415, data: null })
})
