import { randomBytes } from 'node:crypto'
import { createServer, request as httpRequest, type IncomingMessage, type Server as HttpServer } from 'node:http'
import { once } from 'node:events'
import { connect as connectTo, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { BrowserContext, BrowserType, LaunchOptions, Page, TestInfo } from '@playwright/test'
import { inSeconds, PageClock } from './clock'
import { connect, expect, idsOf, list, test, untilConnection } from './fixtures'
import { measured } from './measured'
import type { Server } from './server'

const half = 30_000 // ms between two tries of lost storage


/** Notes each storage that alice's status tells of from now on. */
function hearStorage(page: Page): Promise<void> {
  return page.evaluate(() => {
    const heard: string[] = [window.clients.alice!.status.storage]
    Object.assign(window, { heard })
    window.clients.alice!.onStatus.listen(({ storage }) => heard.at(-1) !== storage && heard.push(storage))
  })
}

function heard(page: Page): Promise<string[]> {
  return page.evaluate(() => (window as unknown as { heard: string[] }).heard)
}

function status(page: Page): Promise<{ connection: string; storage: string; lastError: string; cached: number; pending: number; leader: boolean }> {
  return page.evaluate(() => window.clients.alice!.status)
}

function setExt(page: Page, id: string, ext: string): Promise<{ code: number; pending: boolean }> {
  return page.evaluate(([id, ext]) => window.clients.alice!.messageService.updateMySession(id!, 'p2p', ext!), [id, ext])
}

async function untilStorage(page: Page, storage: string): Promise<void> {
  await expect.poll(async () => (await status(page)).storage).toBe(storage)
}

/** A proxy in front of a server that passes requests on, and sockets only if it is told to. */
class Proxy {
  sockets = false
  refused = 0
  opened = 0
  polls = 0 // that wait now
  mostPolls = 0
  readonly #http: HttpServer
  readonly #open = new Set<Duplex>()

  private constructor(readonly target: Server) {
    this.#http = createServer((request, response) => {
      const body: Buffer[] = []
      request.on('data', (chunk: Buffer) => body.push(chunk))
      request.on('end', () => this.#pass(request, Buffer.concat(body), response))
    })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  static async open(target: Server): Promise<Proxy> {
    const proxy = new Proxy(target)
    proxy.#http.listen(0, '127.0.0.1')
    await once(proxy.#http, 'listening')
    return proxy
  }

  /** As {@link connect} takes a server. */
  get server(): Server {
    return { url: `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}` } as Server
  }

  close(): void {
    this.#http.close()
    this.#http.closeAllConnections()
    for (const socket of this.#open) socket.destroy()
  }

  #pass(request: IncomingMessage, body: Buffer, response: import('node:http').ServerResponse): void {
    const waits = body.includes('"waitMs"')
    if (waits) this.mostPolls = Math.max(this.mostPolls, ++this.polls)
    response.on('close', () => waits && this.polls--)
    const { method, headers, url } = request
    const onward = httpRequest(this.target.url + url, { method: method!, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    onward.end(body)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.sockets) {
      this.refused++
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
      return
    }
    this.opened++
    const onward = connectTo(this.target.port, '127.0.0.1', () => {
      const lines = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`)
      onward.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`)
      onward.write(head)
      onward.pipe(socket).pipe(onward)
    })
    for (const end of [onward, socket]) {
      this.#open.add(end)
      end.on('error', () => this.#open.delete(end))
    }
  }
}

test.describe('where no WebSocket can be had', () => {
  test('N11 changes come by requests that wait, and a socket is taken when there is one', async ({ server, api, page, context }) => {
    const proxy = await Proxy.open(server)
    try {
      await api.send('bob', 'alice', 'hello')
      await connect(page, proxy.server, 'alice')
      await untilConnection(page, 'alice', 'live')
      await expect.poll(() => proxy.polls).toBe(1)
      const refused = proxy.refused
      expect(refused).toBeGreaterThanOrEqual(3)
      expect(refused).toBeLessThanOrEqual(5)
      await page.evaluate(() => {
        const told: string[] = []
        Object.assign(window, { told })
        window.clients.alice!.messageService.onMySessionUpdate.listen(({ sessionId }) => told.push(sessionId))
      })
      const began = Date.now()
      await api.send('carol', 'alice', 'hello')
      await page.waitForFunction(() => (window as unknown as { told: string[] }).told.includes('carol'))
      const took = Date.now() - began
      expect(idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
      expect(await setExt(page, 'bob', 'by requests alone')).toMatchObject({ code: 0, pending: false })
      expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'p2p|bob' })).toMatchObject({ ext: 'by requests alone' })

      const other = await context.newPage()
      await connect(other, proxy.server, 'alice')
      await untilConnection(other, 'alice', 'live')
      await api.send('dave', 'alice', 'hello')
      for (const tab of [page, other]) await expect.poll(async () => idsOf(await list(tab, 'alice'))).toEqual(['dave', 'carol', 'bob'])
      expect(proxy.mostPolls, 'the tab that leads asks, and no other').toBe(1)
      expect(await status(page)).toMatchObject({ connection: 'live', lastError: '' })

      proxy.sockets = true
      await context.setOffline(true)
      await untilConnection(page, 'alice', 'offline')
      await context.setOffline(false)
      await untilConnection(page, 'alice', 'live')
      await expect.poll(() => proxy.opened).toBe(1)
      await api.send('erin', 'alice', 'by socket')
      await expect.poll(async () => idsOf(await list(page, 'alice'))[0]).toBe('erin')
      measured('N11', `live after ${refused} refused upgrades; an event ${took} ms after it was sent; 2 tabs, 1 request that waits`)
    } finally {
      proxy.close()
    }
  })
})

/** Has the page's IndexedDB fail as `how` says while window.broken is set, and counts how often it was tried. */
async function breakStorage(target: Page | BrowserContext, how: 'lost' | 'stuck'): Promise<void> {
  await target.addInitScript((how) => {
    const state = { broken: false, tries: 0 }
    Object.assign(window, { idb: state })
    const { transaction } = IDBDatabase.prototype
    const { open } = IDBFactory.prototype
    if (how === 'lost') {
      IDBDatabase.prototype.transaction = function (...args) {
        if (!state.broken) return transaction.apply(this, args)
        state.tries++
        throw new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError')
      }
    } else {
      state.broken = true
      IDBFactory.prototype.open = function (...args) {
        if (!state.broken) return open.apply(this, args)
        state.tries++
        return new EventTarget() as IDBOpenDBRequest // never answers
      }
    }
  }, how)
}

function setBroken(page: Page, broken: boolean): Promise<void> {
  return page.evaluate((broken) => void Object.assign((window as unknown as { idb: object }).idb, { broken }), broken)
}

function tries(page: Page): Promise<number> {
  return page.evaluate(() => (window as unknown as { idb: { tries: number } }).idb.tries)
}

/** Lets time of the page's clock go by, in steps within which what is under way may end: a browser's storage has a clock of its own. */
async function passTime(page: Page, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    await page.clock.runFor(Math.min(left, 1000))
    await page.evaluate(() => indexedDB.databases())
  }
}

test.describe('when storage fails', () => {
  test('D12 a lost database is tried every 30 s, and what was written in memory is stored when it is back', async ({ server, api, page, context }) => {
    await page.clock.install()
    await breakStorage(page, 'lost')
    for (const friend of ['bob', 'carol']) await api.send(friend, 'alice', 'hello')
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await page.clock.runFor(3000)
    await hearStorage(page)
    await setBroken(page, true)
    await api.send('bob', 'alice', 'in memory')
    await expect.poll(async () => {
      await page.clock.runFor(1000)
      return (await status(page)).storage
    }).toBe('memory')
    const first = await tries(page)
    expect(first, 'tries before memory').toBeLessThanOrEqual(12)
    await context.setOffline(true)
    await untilConnection(page, 'alice', 'offline')
    expect(await setExt(page, 'carol', 'made in memory')).toMatchObject({ code: 202, pending: true })
    expect(await status(page)).toMatchObject({ storage: 'memory', pending: 1 })

    await passTime(page, 2 * 60_000)
    const later = (await tries(page)) - first
    expect(later, 'each of 4 tries opens the database up to 4 times').toBeLessThanOrEqual(16)
    await setBroken(page, false)
    await passTime(page, half + 2000)
    await untilStorage(page, 'indexeddb')
    expect(await heard(page), 'one event each way').toEqual(['indexeddb', 'memory', 'indexeddb'])
    await expect.poll(async () => (await status(page)).leader, 'the browser gives it the lock in its own time').toBe(true)

    await page.close() // what is said to be stored survives the tab
    const next = await context.newPage()
    await context.setOffline(false)
    await connect(next, server, 'alice')
    await untilConnection(next, 'alice', 'live')
    await expect.poll(async () => (await status(next)).pending).toBe(0)
    expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'p2p|carol' })).toMatchObject({ ext: 'made in memory' })
    measured('D12', `${first} tries, then memory; ${later} in 2 min; back within 30 s with the write that was made meanwhile; 1 event each way`)
  })

  test('D11 a database that does not open is left after 3 s, and taken when it does', async ({ server, api, page }) => {
    await page.clock.install()
    await breakStorage(page, 'stuck')
    await api.send('bob', 'alice', 'hello')
    await connect(page, server, 'alice')
    await page.clock.runFor(1000)
    expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
    await expect.poll(async () => {
      await page.clock.runFor(500)
      return (await status(page)).storage
    }).toBe('memory')
    await hearStorage(page)
    await untilConnection(page, 'alice', 'live')
    const first = await tries(page)
    await passTime(page, 2 * 60_000)
    const later = (await tries(page)) - first
    expect(later).toBeLessThanOrEqual(4)
    await setBroken(page, false)
    await passTime(page, half + 5000)
    await untilStorage(page, 'indexeddb')
    expect(await heard(page)).toEqual(['memory', 'indexeddb'])
    await api.send('carol', 'alice', 'hello')
    await passTime(page, 3000)
    expect((await status(page)).lastError).toBe('')
    measured('D11', `memory after ${first} try; ${later} in 2 min; taken within 30 s of opening again`)
  })

  test('D12 a tab whose storage comes back takes its place beside the others', async ({ server, api, page, context }) => {
    await page.clock.install()
    await breakStorage(page, 'lost')
    await api.send('bob', 'alice', 'hello')
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const other = await context.newPage()
    await connect(other, server, 'alice')
    await untilConnection(other, 'alice', 'live')
    await setBroken(page, true)
    await api.send('carol', 'alice', 'hello')
    await expect.poll(async () => {
      await page.clock.runFor(1000)
      return (await status(page)).storage
    }).toBe('memory')
    await expect.poll(async () => (await status(other)).leader).toBe(true)
    await setBroken(page, false)
    await passTime(page, half + 5000)
    await untilStorage(page, 'indexeddb')
    await expect.poll(async () => (await status(page)).leader).toBe(false)
    await api.send('dave', 'alice', 'hello')
    for (const tab of [page, other]) await expect.poll(async () => idsOf(await list(tab, 'alice'))).toEqual(['dave', 'carol', 'bob'])
    expect(await status(page)).toMatchObject({ connection: 'live', storage: 'indexeddb', lastError: '' })
    expect(await status(other)).toMatchObject({ connection: 'live', storage: 'indexeddb', leader: true })
  })
})

test('D2 of an outbox that was cleared behind its back, no number is given out again', async ({ server, api, page, host }) => {
  await api.send('bob', 'alice', 'hello')
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  for (const ext of ['one', 'two', 'three']) expect((await setExt(page, 'bob', ext)).code).toBe(0)
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Storage.clearDataForOrigin', { origin: host.url, storageTypes: 'indexeddb' })
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype
    Object.assign(window, { puts: [] })
    IDBObjectStore.prototype.put = function (value, key) {
      if (this.name === 'outbox') (window as unknown as { puts: unknown[] }).puts.push(key)
      return put.call(this, value, key)
    }
  })
  expect(await setExt(page, 'bob', 'four')).toMatchObject({ code: 0, pending: false })
  expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'p2p|bob' })).toMatchObject({ ext: 'four' })
  // A browser that is slow to open the database anew has the write made in memory, which stores it nowhere.
  const { storage } = await status(page)
  const puts = await page.evaluate(() => (window as unknown as { puts: unknown[] }).puts)
  expect(puts, `stored once, after the three; storage is ${storage}`).toEqual(storage === 'indexeddb' ? [4] : [])
  measured('D2', 'a write after the clearing is stored once and applied; its number follows those that were given out before')
})

for (const told of [true, false]) {
  test(`D12 a write that was being committed when the connection went is made again: ${told ? 'the browser says that it went' : 'nothing says so'}`, async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    const clock = await PageClock.of(page)
    await connect(page, server, 'alice')
    await clock.until('live', async () => (await status(page)).connection === 'live')
    await page.evaluate((told) => {
      const { transaction } = IDBDatabase.prototype
      // As Chromium leaves one: done with, by no event, and with nothing to abort.
      IDBDatabase.prototype.transaction = function (names, mode, options) {
        const tx = transaction.call(this, names, mode, options)
        if (![names].flat().includes('outbox') || mode !== 'readwrite' || 'lost' in window) return tx
        for (const event of ['oncomplete', 'onabort']) Object.defineProperty(tx, event, { set() {} })
        queueMicrotask(() => {
          IDBTransaction.prototype.abort.call(tx)
          this.close()
          if (told) this.dispatchEvent(new Event('close'))
        })
        return Object.assign(window, { lost: true }) && tx
      }
    }, told)
    const written = setExt(page, 'bob', 'x')
    let result: { code: number } | undefined
    void written.then((r) => (result = r))
    const took = await clock.until('the write is made', () => result !== undefined, { step: 100 }) // a call waits 3 s for its answer
    expect(took, 'seconds').toBeLessThanOrEqual(told ? 2 : 13)
    expect(result).toMatchObject({ code: 0, pending: false })
    expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'p2p|bob' })).toMatchObject({ ext: 'x' })
    expect(await status(page)).toMatchObject({ storage: 'indexeddb', pending: 0 })
    measured('D12', `a commit that was lost with the connection is made again after ${inSeconds(took)}`)
  })
}

test.describe('when the disk is full', () => {
  /** Runs a test in a browser with a profile on disk: quotas can be set for no other. */
  async function withQuota(
    info: TestInfo,
    browser: BrowserType,
    options: LaunchOptions,
    origin: string,
    use: (page: Page, setQuota: (bytes: number) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const context = await browser.launchPersistentContext(info.outputPath('profile'), options)
    try {
      const page = context.pages()[0]!
      await page.goto(`${origin}/blank.html`)
      const cdp = await context.newCDPSession(page)
      await use(page, (quotaSize) => cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize }).then(() => {}))
    } finally {
      await context.close()
    }
  }

  test('D1 the newest sessions are kept, and their end is said', async ({ server, api, host, playwright, launchOptions }, info) => {
    for (let i = 0; i < 400; i++) await api.send(`friend${i}`, 'alice', randomBytes(1000).toString('hex'))
    await withQuota(info, playwright.chromium, launchOptions, host.url, async (page, setQuota) => {
      await setQuota(900_000) // the whole list takes about 1.4 MB
      await connect(page, server, 'alice')
      await hearStorage(page)
      await untilConnection(page, 'alice', 'live')
      expect(await status(page)).toMatchObject({ cached: 400 })
      await page.evaluate(() => window.clients.alice!.close())
      await server.stop()
      await page.reload()
      await connect(page, server, 'alice')
      await page.evaluate(() => window.clients.alice!.ready)
      const { cached } = await status(page)
      expect(cached).toBeGreaterThanOrEqual(100)
      expect(cached).toBeLessThan(400)
      const below = await page.evaluate(() => window.clients.alice!.messageService.queryMySessionList({ minTimestamp: 1 }))
      expect(below).toMatchObject({ code: 0, source: 'cache', data: { hasMore: true } })
      expect(idsOf(below)[0]).toBe('friend399')
      measured('D1', `a quota too small for 400 sessions: the newest ${cached} are stored`)
    })
  })

  test('D1 with no room at all it works from memory, and stores again when there is room', async ({ server, api, host, playwright, launchOptions }, info) => {
    await withQuota(info, playwright.chromium, launchOptions, host.url, async (page, setQuota) => {
      await page.clock.install()
      await setQuota(1000)
      await api.send('bob', 'alice', 'hello')
      await connect(page, server, 'alice')
      await untilConnection(page, 'alice', 'live')
      await expect.poll(async () => {
        await page.clock.runFor(1000)
        return (await status(page)).storage
      }).toBe('memory')
      expect((await status(page)).lastError).toMatch(/storage/)
      await hearStorage(page)
      await passTime(page, 100_000)
      expect(await heard(page), 'that it can be read is no reason to believe in it').toEqual(['memory'])
      await setQuota(100_000_000)
      await passTime(page, half + 5000)
      await untilStorage(page, 'indexeddb')
      expect(await heard(page)).toEqual(['memory', 'indexeddb'])
      measured('D1', 'no room: memory; stored again within 30 s of there being room; 1 event each way')
    })
  })
})

test.describe('a package with another schema', () => {
  /** Has pages load the package as its next major, whose storage has another name. */
  async function loadNext(target: Page | BrowserContext): Promise<void> {
    await target.route('**/sdk/*.js', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, body: (await response.text()).replaceAll('recents.1.', 'recents.2.') })
    })
  }

  const majors = (page: Page): Promise<string[]> =>
    page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name!.split('.').slice(0, 2).join('.')).sort())

  /** Connects alice, whose rows are sealed when `sealed`, always with the same key. */
  async function open(page: Page, server: Server, sealed: boolean): Promise<void> {
    if (!sealed) return void (await connect(page, server, 'alice'))
    await connect(page, server, 'carol', { storage: 'memory' }) // the page
    const token = (await (await fetch(`${server.url}/v1/dev/token`, { method: 'POST', body: '{"account":"alice"}' })).json()).data.token
    await page.evaluate(async ([url, token]) => {
      const encryptionKey = await crypto.subtle.importKey('raw', new Uint8Array(32).fill(7), 'AES-GCM', false, ['encrypt', 'decrypt'])
      const sdk = '/sdk/index.js'
      const { connect } = (await import(sdk)) as typeof import('recents')
      window.clients.alice = connect({ url: url!, account: 'alice', token: token!, encryptionKey })
    }, [server.url, token])
  }

  for (const sealed of [false, true]) {
    test(`D9 the next one takes over what waits to be sent${sealed ? ', sealed' : ''}`, async ({ server, api, page, context }) => {
      await api.send('bob', 'alice', 'hello')
      await open(page, server, sealed)
      await untilConnection(page, 'alice', 'live')
      await context.setOffline(true)
      await untilConnection(page, 'alice', 'offline')
      for (const ext of ['first', 'second']) expect(await setExt(page, 'bob', ext)).toMatchObject({ code: 202, pending: true })
      await setExt(page, 'dave', 'made offline')
      expect(await majors(page)).toEqual(['recents.1'])
      await page.close()

      const next = await context.newPage()
      await context.setOffline(false)
      await loadNext(next)
      await open(next, server, sealed)
      await untilConnection(next, 'alice', 'live')
      await expect.poll(async () => (await status(next)).pending).toBe(0)
      expect(await majors(next), 'and the older database is gone').toEqual(['recents.2'])
      expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'p2p|bob' })).toMatchObject({ ext: 'second' })
      expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'p2p|dave' })).toMatchObject({ ext: 'made offline' })
      expect((await status(next)).storage).toBe('indexeddb')
      measured('D9', `3 waiting writes${sealed ? ', sealed,' : ''} went along to the next schema's database`)
    })
  }

  test('T8 D9 an older and a newer package work side by side, each on its own storage', async ({ server, api, page, context }) => {
    await api.send('bob', 'alice', 'hello')
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const next = await context.newPage()
    await loadNext(next)
    await connect(next, server, 'alice')
    await untilConnection(next, 'alice', 'live')
    expect(await majors(next), 'that of a tab that lives is left to it').toEqual(['recents.1', 'recents.2'])
    await api.send('carol', 'alice', 'hello')
    for (const tab of [page, next]) {
      await expect.poll(async () => idsOf(await list(tab, 'alice'))).toEqual(['carol', 'bob'])
      expect(await status(tab)).toMatchObject({ connection: 'live', storage: 'indexeddb', leader: true, lastError: '' })
    }
    expect((await setExt(page, 'bob', 'by the older')).code).toBe(0)
    expect((await setExt(next, 'carol', 'by the newer')).code).toBe(0)
    await context.setOffline(true)
    await untilConnection(page, 'alice', 'offline')
    expect(await setExt(page, 'bob', 'waits')).toMatchObject({ code: 202 })
    await page.close()
    await context.setOffline(false)

    await next.reload() // nobody uses the older one any more
    await connect(next, server, 'alice')
    await untilConnection(next, 'alice', 'live')
    await expect.poll(async () => (await status(next)).pending).toBe(0)
    expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'p2p|bob' })).toMatchObject({ ext: 'waits' })
    expect(await majors(next)).toEqual(['recents.2'])

    const old = await context.newPage() // and one that comes back later has its own again
    await connect(old, server, 'alice')
    await untilConnection(old, 'alice', 'live')
    expect(await majors(old)).toEqual(['recents.1', 'recents.2'])
    await next.evaluate(() => window.clients.alice!.logout({ wipe: true }))
    measured('T8', 'both live on their own storage; what the older left unsent is taken when it is closed')
    measured('D9', 'an older package beside a newer one opens its own database')
  })
})

test('T11 over plain http, without locks and subtle crypto, it works and says so', async ({ server, api, host, playwright, launchOptions }) => {
  const origin = host.url.replace('127.0.0.1', 'chat.example.test')
  await server.stop()
  server.flags.push('-allow-origin', origin)
  await server.start()
  const args = [...launchOptions.args!, '--host-resolver-rules=MAP chat.example.test 127.0.0.1']
  const browser = await playwright.chromium.launch({ ...launchOptions, args })
  try {
    const context = await browser.newContext()
    await context.clock.install() // the pages' own: the test moves it until the lease has run out
    const said: string[] = []
    context.on('console', (message) => message.type() === 'warning' && said.push(message.text()))
    const [first, second] = [await context.newPage(), await context.newPage()]
    for (const page of [first, second]) await page.goto(`${origin}/blank.html`)
    const has = await first.evaluate(() => [isSecureContext, 'locks' in navigator, 'subtle' in crypto, 'randomUUID' in crypto])
    expect(has).toEqual([false, false, false, false])

    await api.send('bob', 'alice', 'hello')
    await connect(first, server, 'alice')
    await untilConnection(first, 'alice', 'live')
    await expect.poll(async () => (await status(first)).leader).toBe(true)
    await connect(second, server, 'alice')
    await untilConnection(second, 'alice', 'live')
    expect(await status(second)).toMatchObject({ leader: false, storage: 'indexeddb' })
    await api.send('carol', 'alice', 'hello')
    for (const page of [first, second]) await expect.poll(async () => idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
    expect((await setExt(second, 'bob', 'plain')).code).toBe(0)
    expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'p2p|bob' })).toMatchObject({ ext: 'plain' })

    await first.close({ runBeforeUnload: false })
    const leads = async (): Promise<boolean> => {
      await context.clock.runFor(1000)
      return (await status(second)).leader
    }
    await expect.poll(leads, { timeout: 30_000 }).toBe(true)
    await untilConnection(second, 'alice', 'live')
    await context.setOffline(true)
    expect(await setExt(second, 'bob', 'offline')).toMatchObject({ code: 202 })
    await context.setOffline(false)
    await expect.poll(async () => (await status(second)).pending).toBe(0)
    expect(said.filter((text) => text.includes('no secure context'))).toHaveLength(2)
    measured('T11', '2 tabs, 1 leader by a lease, taken over when it closed; each tab said so once')
  } finally {
    await browser.close()
  }
})
