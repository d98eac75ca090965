import type { Page, Route } from '@playwright/test'
import type { NIMResult } from 'recents'
import { PageClock, inSeconds } from './clock'
import { connect, expect, idsOf, list, test, textOf, untilConnection } from './fixtures'
import { measured } from './measured'
import { heard, record, setExt, status } from './tabs'
import { kindOf, Wire } from './wire'

/** Whether the page shows what the server has. */
async function shows(page: Page, right: unknown): Promise<boolean> {
  return JSON.stringify((await list(page, 'alice')).data) === JSON.stringify(right)
}

/** Has the page doubt its connection, as one does that was hidden: it asks for what it may have missed. */
function wake(page: Page): Promise<boolean> {
  return page.evaluate(() => document.dispatchEvent(new Event('resume')))
}

/** Counts the requests of a page by what they end with. */
function count(page: Page, end: string): () => number {
  let n = 0
  page.on('request', (request) => void (request.method() === 'POST' && request.url().endsWith(end) && n++))
  return () => n
}

test('N1 a socket that is open and silent is noticed, and given up', async ({ server, api, page, context }) => {
  const clock = await PageClock.of(page)
  const wire = await Wire.of(page)
  const statuses = await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  const before = (await statuses()).length
  wire.silence()
  await api.send('bob', 'alice', 'into the void')
  const took = await clock.until('the silence is noticed', () => wire.dials === 2, { most: 60 })
  expect(took).toBeLessThanOrEqual(46)
  const right = await api.list('alice')
  await clock.until('the list is right', () => shows(page, right), { most: 10 })
  await untilConnection(page, 'alice', 'live')
  expect((await statuses()).slice(before).map((s) => s.connection)).toEqual(expect.arrayContaining(['connecting', 'live']))

  // A browser that knows to be offline says so, and need not be waited for.
  await context.setOffline(true)
  await untilConnection(page, 'alice', 'offline')
  await api.send('carol', 'alice', 'meanwhile')
  await context.setOffline(false)
  const back = await clock.until('it is back', async () => idsOf(await list(page, 'alice')).length === 2, { most: 10, step: 100 })
  measured('N1', `noticed after ${inSeconds(took)}, told by the status; in step ${inSeconds(back)} after "online"`)
})

for (const [code, least, most] of [[1001, 0, 1], [1006, 0, 1], [1012, 0, 1], [4401, 0, 1], [4429, 10, 12]] as const) {
  test(`N2 a socket that is closed with ${code} is dialled again in time`, async ({ server, api, page }) => {
    const clock = await PageClock.of(page)
    const wire = await Wire.of(page)
    const tokens = count(page, '/v1/dev/token')
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const before = tokens()
    const closing = await clock.now()
    await wire.close(code)
    await api.send('bob', 'alice', 'meanwhile')
    const took = await clock.until('it dials again', () => wire.dials === 2, { most: 20, step: 100 })
    expect((await clock.now()) - closing).toBeGreaterThanOrEqual(least * 1000)
    expect(took).toBeLessThanOrEqual(most + 0.5) // what passes by itself
    const right = await api.list('alice')
    await clock.until('the list is right', () => shows(page, right))
    expect(tokens() - before, 'a new token for 4401 alone').toBe(code === 4401 ? 1 : 0)
    measured('N2', `${code}: dialled again after ${inSeconds(took)}${code === 4401 ? ', with a new token' : ''}`)
  })
}

test('N3 of frames that are lost, every gap is seen and pulled', async ({ server, api, page }) => {
  const wire = await Wire.of(page)
  const pulls = count(page, '/v1/sync')
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await record(page)
  const before = pulls()
  let frames = 0
  let lost = 0
  wire.filter = (frame, pass) => {
    const last = frame.includes('"content":"last"') // the end of a log is told by the next thing that comes
    if (kindOf(frame) === 'delta' && ++frames % 3 === 0 && !last) lost++
    else pass(frame)
  }
  for (let i = 0; i < 60; i++) await api.send(`friend${i % 7}`, 'alice', String(i))
  await api.send('bob', 'alice', 'last')
  const right = await api.list('alice')
  await expect.poll(() => shows(page, right)).toBe(true)
  await expect.poll(() => lost, 'frames may come after a pull has brought their rows').toBeGreaterThanOrEqual(15)
  await expectEachOnce(page)
  expect((await status(page)).lastError, 'the digest had nothing to heal').toBe('')
  measured('N3', `${lost} of ${frames} frames lost, ${pulls() - before} pulls, no event twice, 0 heals`)
})

test('N4 frames that come twice and in another order change nothing', async ({ server, api, page }) => {
  const wire = await Wire.of(page)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await record(page)
  const held: string[] = []
  let passed = 0
  wire.filter = (frame, pass) => {
    if (kindOf(frame) !== 'delta') return pass(frame)
    held.push(frame)
    if (held.length < 4) return
    // Backwards, each twice: every frame but one is late or too early when it comes.
    for (const f of held.splice(0).reverse().flatMap((f) => [f, f])) {
      pass(f)
      passed++
    }
  }
  for (let i = 0; i < 80; i++) await api.send(`friend${i % 7}`, 'alice', String(i))
  const right = await api.list('alice')
  await expect.poll(() => shows(page, right)).toBe(true)
  await expectEachOnce(page)
  expect((await status(page)).lastError, 'the digest had nothing to heal').toBe('')
  expect(passed).toBeGreaterThanOrEqual(100)
  measured('N4', `${passed} frames, each twice and backwards by fours: no event twice, times rise per session, 0 heals`)
})

/** No state of a session was told twice, none after a newer one, and the last one is the server's. */
async function expectEachOnce(page: Page): Promise<void> {
  const times = new Map<string, number[]>()
  for (const { sessionId, updateTime } of (await heard(page)).updates) times.set(sessionId, [...(times.get(sessionId) ?? []), updateTime])
  for (const [id, told] of times) expect(told, id).toEqual([...new Set(told)].sort((a, b) => a - b))
  for (const { sessionId, updateTime } of (await list(page, 'alice')).data!.sessionList) expect(times.get(sessionId)?.at(-1), sessionId).toBe(updateTime)
}

test('N7 a write whose answer is lost is applied once, and settles', async ({ server, api, page }) => {
  const clock = await PageClock.of(page)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  const before = await head(api)
  const lost = new Set<string | null>()
  const again: unknown[] = []
  await page.route('**/v1/mutate', async (route) => {
    const body = route.request().postData()
    const response = await route.fetch()
    expect(response.status()).toBe(200) // the server has it
    if (lost.has(body)) {
      again.push(...(await response.json()).data.results.map((r: { again: unknown }) => r.again))
      return route.fulfill({ response })
    }
    lost.add(body)
    await route.abort('connectionreset')
  })
  await Wire.of(page).then((wire) => (wire.filter = () => {})) // and no frame tells of it
  const writing = page.evaluate(async () => {
    const ms = window.clients.alice!.messageService
    const results = [await ms.updateMySession('bob', 'p2p', 'x'), await ms.deleteMySession([{ sessionId: 'bob', sessionType: 'p2p' }]), await ms.updateMySession('bob', 'p2p', 'y')]
    Object.assign(window, { results })
  })
  await clock.until('the writes settle', () => page.evaluate(() => 'results' in window), { step: 100 }) // a call waits 3 s for its answer
  await writing
  const results = await page.evaluate(() => (window as unknown as { results: NIMResult<null>[] }).results)
  expect(results.map((r) => r.code)).toEqual([0, 0, 0])
  expect(lost.size).toBe(3)
  expect(again, 'each was asked about until it was answered').toEqual([true, true, true])
  expect(await head(api) - before, 'one change a write').toBe(3)
  expect((await api.list('alice')).sessionList).toMatchObject([{ sessionId: 'bob', ext: 'y' }])
  measured('N7', `3 answers lost after the commit: 3 writes, ${await head(api) - before} changes, all settled with code 0`)
})

/** The end of alice's log on the server. */
async function head(api: import('./api.mjs').Api): Promise<number> {
  return (await api.user('alice', '/v1/snapshot', { limit: 1 })).asOf
}

const portals: [string, Parameters<Route['fulfill']>[0]][] = [
  ['half an answer', { contentType: 'application/json', body: '{"code":200,"data":{"v":1,"epoch":"' }],
  ['a portal’s page', { contentType: 'text/html', body: '<!doctype html><title>Sign in</title><h1>Welcome to Hotel Wi-Fi</h1>' }],
  ['an image', { contentType: 'image/png', body: Buffer.from('iVBORw0KGgoAAAANSUhEUg', 'base64') }],
  ['nothing', { contentType: 'application/json', body: '' }],
  ['another API’s answer', { contentType: 'application/json', body: '{"ok":true,"code":200}' }],
  ['a list of null', { contentType: 'application/json', body: '{"code":200,"data":null}' }],
]

test('N9 answers that are not the server’s are refused, and the cursor stays', async ({ server, api, page }) => {
  const clock = await PageClock.of(page)
  const wire = await Wire.of(page)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  wire.filter = (frame, pass) => kindOf(frame) !== 'delta' && pass(frame) // only a pull can tell
  for (const [what, answer] of portals) {
    let given = 0
    await page.route('**/v1/sync', (route) => {
      given++
      return route.fulfill({ status: 200, headers: { 'Access-Control-Allow-Origin': '*' }, ...answer })
    })
    const before = await status(page)
    await api.send('bob', 'alice', what)
    await wake(page)
    await clock.until(`${what} is asked about again`, () => given >= 3)
    const after = await status(page)
    expect(after.cursor, what).toBe(before.cursor)
    expect(after.lastError, what).not.toBe('')
    expect((await list(page, 'alice')).code, what).toBe(0)
    await page.unroute('**/v1/sync')
    const right = await api.list('alice')
    await clock.until(`the list is right after ${what}`, () => shows(page, right))
  }
  measured('N9', `${portals.length} kinds of answer, 3 times each: cursor unmoved, then exact`)
})

test('N9 a portal before the first list leaves no list, and then the right one', async ({ server, api, page }) => {
  await api.send('bob', 'alice', 'hello')
  const clock = await PageClock.of(page)
  const portal = portals[1]![1]
  await page.route('**/v1/{snapshot,sync,queryMySessionList}', (route) => route.fulfill({ status: 200, headers: { 'Access-Control-Allow-Origin': '*' }, ...portal }))
  await connect(page, server, 'alice')
  expect(await list(page, 'alice')).toMatchObject({ isSuccess: false, data: null })
  await page.unroute('**/v1/{snapshot,sync,queryMySessionList}')
  const right = await api.list('alice')
  await clock.until('the list is right', () => shows(page, right))
  expect((await status(page)).cached).toBe(1)
})

/** What a server or what stands before it may answer, and what that means for a write: 0 is that it is tried again. */
const refusals = [
  { status: 401, code: 302, final: 0 },
  { status: 403, code: 403, final: 0 },
  { status: 413, code: 413, final: 413 },
  { status: 425, code: 425, final: 0 },
  { status: 429, code: 416, after: 7, final: 0 },
  { status: 500, code: 500, final: 0 },
  { status: 503, code: 503, after: 9, final: 0 },
]

/** Answers the next request to a path with a refusal; returns when, by the page's clock, each request to it came. */
async function refuseOnce(page: Page, clock: PageClock, path: string, { status, code, after }: (typeof refusals)[number]): Promise<number[]> {
  const came: number[] = []
  const headers: Record<string, string> = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Retry-After' }
  if (after) headers['Retry-After'] = String(after)
  await page.unroute(`**${path}`)
  await page.route(`**${path}`, async (route) => {
    came.push(await clock.now())
    if (came.length > 1) return route.continue()
    await route.fulfill({ status, headers, contentType: 'application/json', body: JSON.stringify({ code, errorDetails: `test ${status}` }) })
  })
  return came
}

test('N10 writes that are refused in passing keep their order, and others settle', async ({ server, api, page }) => {
  const clock = await PageClock.of(page)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  for (const refusal of refusals) {
    const came = await refuseOnce(page, clock, '/v1/mutate', refusal)
    await page.evaluate((tag) => {
      const ms = window.clients.alice!.messageService
      Object.assign(window, { codes: undefined })
      void ms.updateMySession('bob', 'p2p', `${tag} first`).then(async (first) => {
        Object.assign(window, { codes: [first.code, ...(await Promise.all(later)).map((r) => r.code)] })
      })
      const later = [ms.updateMySession('bob', 'p2p', `${tag} second`), ms.updateMySession('carol', 'p2p', `${tag} third`)]
    }, String(refusal.status))
    const codes = (): Promise<number[] | undefined> => page.evaluate(() => (window as unknown as { codes?: number[] }).codes)
    await clock.until(`${refusal.status}: the writes settle`, async () => (await codes()) !== undefined)
    await clock.until(`${refusal.status}: nothing waits`, async () => (await status(page)).pending === 0)
    const first = (await codes())![0]!
    expect(refusal.final === 0 ? [0, 202] : [refusal.final], `${refusal.status}`).toContain(first)
    expect(exts((await api.list('alice')).sessionList), `${refusal.status}`).toEqual({ bob: `${refusal.status} second`, carol: `${refusal.status} third` })
    if (refusal.after) expect(came[1]! - came[0]!, 'Retry-After is heeded').toBeGreaterThanOrEqual(refusal.after * 1000)
  }
  measured('N10', `mutate: ${refusals.map((r) => r.status).join(', ')}: the last of three writes wins, 413 settles as failed, Retry-After heeded`)
})

const exts = (sessions: { sessionId: string; ext?: string }[]): Record<string, string | undefined> =>
  Object.fromEntries(sessions.map((s) => [s.sessionId, s.ext]))

test('N10 a list is right after any refusal of what reads it', async ({ server, api, page, context }) => {
  await api.send('bob', 'alice', 'hello')
  const clock = await PageClock.of(page)
  const wire = await Wire.of(page)
  wire.filter = (frame, pass) => kindOf(frame) !== 'delta' && pass(frame)
  await connect(page, server, 'alice', { storage: 'memory' })
  await untilConnection(page, 'alice', 'live')
  for (const path of ['/v1/sync', '/v1/snapshot', '/v1/queryMySessionList']) {
    for (const refusal of refusals) {
      const came = await refuseOnce(page, clock, path, refusal)
      await api.send('bob', 'alice', `${path} ${refusal.status}`)
      if (path === '/v1/sync') {
        await wake(page)
      } else {
        await page.evaluate(() => window.clients.alice!.close())
        await connect(page, server, 'alice', { storage: 'memory' })
        await list(page, 'alice')
      }
      const right = await api.list('alice')
      await clock.until(`${path} ${refusal.status}`, async () => came.length > 0 && (await shows(page, right)) && (await status(page)).connection === 'live')
      if (refusal.after && came.length > 1 && path === '/v1/sync') expect(came[1]! - came[0]!, 'Retry-After').toBeGreaterThanOrEqual(refusal.after * 1000)
      await page.unroute(`**${path}`)
    }
  }
  await context.unrouteAll()
  measured('N10', `sync, snapshot, queryMySessionList: exact after each of ${refusals.length} refusals`)
})

test('N13 an answer that was overtaken by frames is discarded', async ({ server, api, page }) => {
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await record(page)
  const held: (() => Promise<void>)[] = []
  await page.route('**/v1/sync', async (route) => {
    const response = await route.fetch()
    held.push(() => route.fulfill({ response }))
  })
  await api.send('bob', 'alice', 'first')
  await expect.poll(async () => (await heard(page)).updates.length).toBe(1)
  await wake(page)
  await expect.poll(() => held.length).toBe(1) // the answer of now is on its way
  for (const text of ['second', 'third']) await api.send('bob', 'alice', text)
  await expect.poll(async () => textOf((await heard(page)).updates.at(-1))).toBe('third')
  const { cursor } = await status(page)
  await held[0]!()
  await api.send('carol', 'alice', 'after it')
  await expect.poll(async () => idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
  expect((await heard(page)).updates.map(textOf)).toEqual(['first', 'second', 'third', 'after it'])
  expect(seqOf((await status(page)).cursor)).toBeGreaterThan(seqOf(cursor))
  measured('N13', 'a pull that 2 frames overtook: no event of it, the cursor did not move back')
})

const seqOf = (cursor: string): number => Number(cursor.slice(cursor.lastIndexOf('.') + 1))

test('N14 another server with another log is listed anew, and what waits is sent to it', async ({ server, api, page }) => {
  for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'of the old server')
  const clock = await PageClock.of(page) // which waits for the next try in no real time
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await server.kill()
  await clock.until('offline', async () => (await status(page)).connection === 'offline')
  expect((await setExt(page, 'bob', 'waits')).code).toBe(202)
  expect((await setExt(page, 'erin', 'waits too')).code).toBe(202)
  const before = (await status(page)).cursor
  await server.forget()
  await server.start()
  const other = new (api.constructor as typeof import('./api.mjs').Api)(server.url)
  await other.send('frank', 'alice', 'of the new server')
  await clock.until('live', async () => (await status(page)).connection === 'live')
  await clock.until('all is sent', async () => (await status(page)).pending === 0)
  const right = await other.list('alice')
  expect(exts(right.sessionList)).toEqual({ bob: 'waits', erin: 'waits too', frank: undefined })
  await clock.until('the list is right', () => shows(page, right))
  const after = (await status(page)).cursor
  expect(after.split('.')[0]).not.toBe(before.split('.')[0])
  measured('N14', '3 sessions of the old log gone, 2 waiting writes applied, the list is the new server’s')
})
