import type { ConsoleMessage, Page, Request } from '@playwright/test'
import { badCalls } from './bad-input'
import { PageClock } from './clock'
import { connect, expect, idsOf, list, test, untilConnection } from './fixtures'
import { measured } from './measured'
import { status } from './tabs'
import { kindOf, Wire } from './wire'

interface Answer {
  v: number
  epoch: string
  from: number
  next: number
  head: number
  more: boolean
  rows: { k: string; q: number; t: number }[]
  lastMid: number
}

/** What a hostile server makes of its own answer to /v1/sync. */
const lies: Record<string, (answer: Answer) => unknown> = {
  'next is below from': (a) => ({ ...a, next: a.from - 1 }),
  'more for ever, and no step ahead': (a) => ({ ...a, next: a.from, head: a.from + 5, more: true, rows: [] }),
  'more for ever, and no row': (a) => ({ ...a, next: a.from + 1, head: a.from + 1e6, more: true, rows: [] }),
  'a hundred thousand rows': (a) => ({ ...a, next: a.from + 1e5, head: a.from + 1e5, rows: Array.from({ length: 1e5 }, (_, i) => ({ k: `p2p|f${i}`, q: a.from + i + 1, t: i + 1 })) }),
  'negative numbers': (a) => ({ ...a, next: a.from + 1, rows: [{ k: 'p2p|bob', q: -1, t: -1 }] }),
  'numbers beyond 2^53': (a) => ({ ...a, next: 2 ** 60, head: 2 ** 60, rows: [] }),
  'another epoch': (a) => ({ ...a, epoch: 'another' }),
  'a list again, for ever': () => ({ v: 1, reset: true, reason: 'epoch', epoch: 'another', head: 1 }),
  'a digest that is never right': (a) => ({ ...a, digest: '1234567890123456' }),
}

for (const [lie, tell] of Object.entries(lies)) {
  test(`A8 a hostile server gets no loop, and the list stays: ${lie}`, async ({ server, api, page }) => {
    for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
    const clock = await PageClock.of(page)
    const wire = await Wire.of(page)
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    wire.filter = (frame, pass) => kindOf(frame) !== 'delta' && pass(frame)
    let lied = 0
    await page.route('**/v1/sync', async (route) => {
      lied++
      const response = await route.fetch()
      const json = await response.json()
      await route.fulfill({ response, body: JSON.stringify({ ...json, data: tell(json.data) }) })
    })
    let asked = 0
    page.on('request', (request) => void (request.method() === 'POST' && request.url().includes('/v1/') && asked++))
    await api.send('erin', 'alice', 'the hostile server hides this')
    await page.evaluate(() => document.dispatchEvent(new Event('resume')))
    await expect.poll(() => lied).toBeGreaterThan(0)
    await clock.pass(120)
    const shown = idsOf(await list(page, 'alice'))
    for (const friend of ['bob', 'carol', 'dave']) expect(shown, 'the list stays').toContain(friend)
    expect(asked, 'requests in 2 minutes').toBeLessThanOrEqual(30)

    await page.unroute('**/v1/sync')
    wire.filter = (frame, pass) => pass(frame)
    const right = await api.list('alice')
    await clock.until('an honest server is believed again', async () => JSON.stringify((await list(page, 'alice')).data) === JSON.stringify(right), { most: 700, step: 5000 })
    await clock.until('it is live', async () => (await status(page)).connection === 'live')
    measured('A8', `${lie}: ${asked} requests in 2 minutes of lies, the list stayed, exact afterwards`)
  })
}

test('A10 no token and no text is in a log, an address or an error', async ({ server, api, page }) => {
  const secret = 'the text of a message that is nobody else’s business'
  const said: string[] = []
  const addresses: string[] = []
  page.on('console', (message: ConsoleMessage) => void said.push(message.text()))
  page.on('request', (request: Request) => void addresses.push(request.url()))
  page.on('websocket', (socket) => void addresses.push(socket.url()))
  await api.send('bob', 'alice', secret)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  const tokens = new Set<string>([await api.token('alice')])
  page.on('request', (request) => void tokens.add(request.headers()['authorization']?.replace('Bearer ', '') ?? 'none'))
  const details = await provoke(page, secret)
  // What the app's own function gives, and the server refuses, must not be quoted either.
  const refused = await connectWithToken(page, server.url, `${await api.token('alice')}x`)
  details.push(...refused)
  await server.kill()
  const log = server.log
  await untilConnection(page, 'alice', 'offline')
  details.push(JSON.stringify(await status(page)), JSON.stringify(await page.evaluate((s) => window.clients.alice!.messageService.updateMySession('bob', 'p2p', s.repeat(40)), secret)))

  tokens.delete('none')
  expect(tokens.size).toBeGreaterThanOrEqual(1)
  expect(details.length).toBeGreaterThan(badCalls.length)
  expect(addresses.length).toBeGreaterThan(5)
  for (const token of [...tokens, 'eyJ']) {
    for (const text of [log, ...said, ...addresses, ...details]) expect(text).not.toContain(token)
  }
  for (const text of [log, ...said, ...addresses, ...details]) expect(text).not.toContain(secret)
  measured('A10', `${details.length} errors, ${addresses.length} addresses, ${said.length} console lines, the server's log: 0 tokens, 0 texts`)
})

/** Makes every bad call, some with the secret in them, and returns all that was said against them. */
async function provoke(page: Page, secret: string): Promise<string[]> {
  const details = await page.evaluate(async (calls) => {
    const ms = window.clients.alice!.messageService
    const said: string[] = []
    for (const call of calls) said.push((await new Function('ms', `return ${call}`)(ms)).errorDetails)
    return said
  }, badCalls.map(([call]) => call))
  const own = await page.evaluate(async (secret) => {
    const ms = window.clients.alice!.messageService
    const results = [await ms.updateMySession('bob', 'p2p', secret.repeat(40)), await ms.updateMySession(secret.repeat(2), 'p2p', secret)]
    return results.map((r) => r.errorDetails)
  }, secret)
  return [...details, ...own]
}

async function connectWithToken(page: Page, url: string, token: string): Promise<string[]> {
  return page.evaluate(
    async ([url, token]) => {
      const sdk = '/sdk/index.js'
      const { connect } = (await import(sdk)) as typeof import('recents')
      const client = connect({ url: url!, account: 'alice', token: token!, storage: 'memory' })
      const result = await client.messageService.queryMySessionList()
      const texts = [result.errorDetails, client.status.lastError, JSON.stringify(client.status)]
      await client.close()
      return texts
    },
    [url, token],
  )
}
