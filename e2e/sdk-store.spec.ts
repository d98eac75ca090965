import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page, Route } from '@playwright/test'
import { connect, expect, idsOf, list, test, textOf, untilConnection } from './fixtures'
import { blank } from './host'
import { measured } from './measured'
import { fillStorage, get, records, tamper, worksFromMemory } from './storage'
import { heard, record, status, trapCore } from './tabs'

const wasm = '**/recents.wasm'

test.describe('before the core is there', () => {
  test('the newest page comes from storage, and everything else waits', async ({ server, api, page }) => {
    for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
    await fillStorage(page, server)
    const held: Route[] = []
    await page.route(wasm, (route) => void held.push(route))
    await page.reload()
    await connect(page, server, 'alice')

    const all = await list(page, 'alice')
    expect(all).toMatchObject({ code: 0, source: 'cache', fresh: false, complete: true, pending: false })
    expect(all.data).toEqual(await api.list('alice'))
    const two = await page.evaluate(() => window.clients.alice!.messageService.queryMySessionList({ limit: 2 }))
    expect(two.data).toEqual(await api.list('alice', { limit: 2 }))

    const waiting = get(page, 'bob')
    await expect.poll(() => held.length).toBe(1)
    await held[0]!.continue()
    expect(await waiting).toMatchObject({ code: 0, data: { sessionId: 'bob' } })
  })

  test('a page that is asked for later is the one that is stored by then', async ({ server, api, page, context }) => {
    await api.send('bob', 'alice', 'hello')
    await fillStorage(page, server)
    await page.route('**/core.js', () => {}) // held for ever, and with it whatever would lead
    await page.reload()
    await connect(page, server, 'alice')
    expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])

    const other = await context.newPage()
    await connect(other, server, 'alice')
    await untilConnection(other, 'alice', 'live')
    await api.send('carol', 'alice', 'hello')
    await expect.poll(async () => idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
  })

  test('the newest page comes from the server when nothing is stored', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    const held: Route[] = []
    await page.route(wasm, (route) => void held.push(route))
    await connect(page, server, 'alice')
    const result = await list(page, 'alice')
    expect(result).toMatchObject({ code: 0, source: 'server', fresh: true, complete: true })
    expect(result.data).toEqual(await api.list('alice'))
    await Promise.all(held.map((route) => route.continue()))
    await untilConnection(page, 'alice', 'live')
  })

  test('the first list goes first, then the program comes beside its loader, and once', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    const asked: string[] = []
    const ofInterest = ['queryMySessionList', 'core.js', 'recents.wasm']
    page.on('request', (request) => asked.push(...ofInterest.filter((name) => request.method() !== 'OPTIONS' && request.url().endsWith(name))))
    const loaders: Route[] = []
    await page.route('**/core.js', (route) => void loaders.push(route))
    await page.goto(blank)
    const token = await api.token('alice')
    const first = await page.evaluate(async ({ url, token }) => {
      const sdk = '/sdk/index.js' // a variable: the address is the host's, not the type checker's
      const { connect } = (await import(sdk)) as typeof import('recents')
      const { messageService } = ((window.clients ??= {}).alice = connect({ url, account: 'alice', token }))
      return messageService.queryMySessionList()
    }, { url: server.url, token })
    expect(idsOf(first)).toEqual(['bob'])
    await expect.poll(() => asked.toSorted()).toEqual(['core.js', 'queryMySessionList', 'recents.wasm'])
    expect(asked[0]).toBe('queryMySessionList')
    await loaders[0]!.continue()
    await untilConnection(page, 'alice', 'live')
    expect(asked.filter((name) => name === 'recents.wasm')).toHaveLength(1)
  })

  test('what changes between the first list and the core is told, and nothing else', async ({ server, api, page }) => {
    for (const friend of ['bob', 'carol', 'dave', 'erin']) await api.send(friend, 'alice', 'hello')
    const held: Route[] = []
    await page.route(wasm, (route) => void held.push(route))
    await connect(page, server, 'alice')
    await page.evaluate(() => {
      const told: string[] = []
      const { messageService } = window.clients.alice!
      messageService.onMySessionUpdate.listen((session) => void told.push(`updated ${session.sessionId}`))
      messageService.onMySessionDelete.listen((keys) => void told.push(...keys.map((key) => `deleted ${key.sessionId}`)))
      Object.assign(window, { told })
    })
    expect(idsOf(await list(page, 'alice'))).toEqual(['erin', 'dave', 'carol', 'bob'])
    await expect.poll(() => held.length).toBe(1)
    await api.send('bob', 'alice', 'meanwhile')
    await api.user('alice', '/v1/deleteMySession', { sessionList: [{ sessionId: 'p2p|carol' }] })
    await api.send('frank', 'alice', 'hello')
    await held[0]!.continue()
    await untilConnection(page, 'alice', 'live')
    const told = (): Promise<string[]> => page.evaluate(() => (window as unknown as { told: string[] }).told)
    await expect.poll(told).toHaveLength(3)
    await api.send('grace', 'alice', 'after all')
    await expect.poll(told).toEqual(['updated bob', 'updated frank', 'deleted carol', 'updated grace'])
  })

  test('what the app itself writes between the first list and the core is told by no event', async ({ server, api, page }) => {
    for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
    const held: Route[] = []
    await page.route(wasm, (route) => void held.push(route))
    await connect(page, server, 'alice')
    await record(page)
    expect(idsOf(await list(page, 'alice'))).toEqual(['dave', 'carol', 'bob'])
    const writing = page.evaluate(async () => {
      const { messageService } = window.clients.alice!
      const set = messageService.updateMySession('bob', 'p2p', 'mine')
      const made = messageService.updateMySession('p2p|erin', undefined as never, 'made')
      const deleted = messageService.deleteMySession([{ sessionId: 'p2p|carol' }])
      return (await Promise.all([set, made, deleted])).map(({ code }) => code)
    })
    await expect.poll(() => held.length).toBe(1)
    await held[0]!.continue()
    for (const code of await writing) expect([0, 202]).toContain(code)
    await untilConnection(page, 'alice', 'live')
    await expect.poll(async () => (await list(page, 'alice')).data).toEqual(await api.list('alice'))
    await api.send('grace', 'alice', 'after all')
    await expect.poll(async () => (await heard(page)).updates.length).toBeGreaterThan(0)
    expect((await heard(page)).updates.map(({ sessionId }) => sessionId)).toEqual(['grace'])
    expect((await heard(page)).deletes).toEqual([])
  })

  test.describe('of an account with all kinds of sessions', () => {
    test.use({ seed: true })

    test('what did not change between the first list and the core is told by no event', async ({ server, api, page }) => {
      await connect(page, server, 'alice')
      await page.evaluate(() => {
        const told: string[] = []
        window.clients.alice!.messageService.onMySessionUpdate.listen((session) => void told.push(JSON.stringify(session)))
        Object.assign(window, { told })
      })
      expect(idsOf(await list(page, 'alice')).length).toBeGreaterThan(10)
      await untilConnection(page, 'alice', 'live')
      await api.send('grace', 'alice', 'after all')
      const told = (): Promise<string[]> => page.evaluate(() => (window as unknown as { told: string[] }).told)
      await expect.poll(async () => (await told()).at(-1)).toContain('after all')
      expect(await told()).toHaveLength(1)
    })
  })

  test('N13 an answer that was overtaken by events is not given', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'old')
    const held: (() => Promise<void>)[] = []
    await page.route('**/v1/queryMySessionList', async (route) => {
      const response = await route.fetch()
      held.push(() => route.fulfill({ response }))
    })
    let loadCore = (): void => {}
    const asking = new Promise<void>((resolve) => (loadCore = resolve))
    await page.route(wasm, async (route) => {
      await asking
      await route.continue()
    })
    await connect(page, server, 'alice')
    const asked = list(page, 'alice')
    await expect.poll(() => held.length).toBe(1)
    loadCore()
    await untilConnection(page, 'alice', 'live')
    await page.evaluate(() => window.clients.alice!.messageService.onMySessionUpdate.listen(() => Object.assign(window, { heard: true })))
    await api.send('bob', 'alice', 'new')
    await page.waitForFunction(() => 'heard' in window)
    await held[0]!()
    expect(textOf((await asked).data?.sessionList[0])).toBe('new')
    measured('N13', 'a list that was asked for before the core was there, and came after an event: not given')
  })

  test('T12 that cannot be had, lists are answered still, and it is tried again', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await page.route(wasm, (route) => route.abort())
    await connect(page, server, 'alice')
    expect(await get(page, 'bob')).toMatchObject({ code: 500, data: null, errorDetails: expect.stringMatching(/^core: /) })
    expect(await page.evaluate(() => window.clients.alice!.ready)).toMatch(/^core: /)
    expect(await status(page)).toMatchObject({ connection: 'offline', lastError: expect.stringMatching(/^core: /) })
    expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])

    await page.unroute(wasm)
    await page.route(wasm, (route) => route.fulfill({ status: 404 }))
    await expect.poll(async () => (await get(page, 'bob')).errorDetails).toContain('HTTP status 404')
    await page.unroute(wasm)
    await expect.poll(async () => (await get(page, 'bob')).code).toBe(0)
    await untilConnection(page, 'alice', 'live')
    expect((await status(page)).lastError).toBe('')
    measured('T12', 'the core cannot be loaded: code 500 "core: …", lists answered without it, loaded at a later try')
  })

  test('is there, a module that the host does not call wasm will do', async ({ server, page }) => {
    await page.route(wasm, async (route) => route.fulfill({ response: await route.fetch(), contentType: 'application/octet-stream' }))
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
  })
})

test.describe('T12 a core that dies', () => {
  test('settles what it was asked, is started again and knows what was stored', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await trapCore(page)
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await page.evaluate(() => Object.assign(window, { traps: 1 }))
    expect(await get(page, 'bob')).toMatchObject({ code: 500, data: null, errorDetails: 'core: unreachable' })
    await untilConnection(page, 'alice', 'live')
    expect(await get(page, 'bob')).toMatchObject({ code: 0 })
    await api.send('bob', 'alice', 'again')
    await expect.poll(async () => textOf((await list(page, 'alice')).data?.sessionList[0])).toBe('again')
    measured('T12', 'a trap in the core: the open call settles with code 500, a new instance goes on with what was stored')
  })

  test('again and again is left alone for a while', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await trapCore(page)
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await page.evaluate(() => Object.assign(window, { traps: 4 }))
    for (let i = 0; i < 5; i++) expect(await get(page, 'bob')).toMatchObject({ code: 500, errorDetails: 'core: unreachable' })
    expect(await page.evaluate(() => (window as unknown as { traps: number }).traps)).toBe(0)
    expect(await get(page, 'bob'), 'no trap is left, but it is not asked').toMatchObject({ code: 500 })
    expect(await status(page)).toMatchObject({ connection: 'offline', lastError: 'core: unreachable' })
    expect(idsOf(await list(page, 'alice')), 'the boot path goes on').toEqual(['bob'])
  })
})

test.describe('storage', () => {
  test('in which no transaction ever begins, everything works from memory', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await page.addInitScript(`IDBDatabase.prototype.transaction = () => { throw new DOMException('lost', 'InvalidStateError') }`)
    await worksFromMemory(page, server, api)
  })

  test('whose wipe ended before the database was deleted is in use again', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await fillStorage(page, server)
    await connect(page, server, 'alice')
    await page.evaluate(() => {
      IDBFactory.prototype.deleteDatabase = () => ({}) as IDBOpenDBRequest // as where the page ends meanwhile
      return window.clients.alice!.logout({ wipe: true })
    })
    expect(await records(page)).toEqual([])
    await page.reload()
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await expect.poll(async () => (await records(page)).map(([, key]) => key)).toContain('owner')
    await expect.poll(async () => JSON.stringify(await records(page))).toContain('hello')
    expect(await status(page)).toMatchObject({ storage: 'indexeddb', lastError: '' })
  })

  test('a connection that the browser lost twice is opened again', async ({ server, api, page }) => {
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await page.evaluate(() => {
      const transaction = IDBDatabase.prototype.transaction
      let lost = 2
      IDBDatabase.prototype.transaction = function (...args) {
        if (args[1] === 'readwrite' && lost-- > 0) throw new DOMException('Connection to Indexed Database server lost', 'UnknownError')
        return transaction.apply(this, args)
      }
    })
    await api.send('bob', 'alice', 'hello')
    await expect.poll(async () => JSON.stringify(await records(page))).toContain('hello')
    expect(await status(page)).toMatchObject({ storage: 'indexeddb', lastError: '' })
  })
})

test('a disk that is full costs the cache and nothing else', async ({ server, api, host, playwright, launchOptions }, info) => {
  // Quotas can be set for a browser with a profile on disk alone.
  const context = await playwright.chromium.launchPersistentContext(info.outputPath('profile'), launchOptions)
  try {
    const page = context.pages()[0]!
    await page.goto(`${host.url}/blank.html`)
    const cdp = await context.newCDPSession(page)
    await cdp.send('Storage.overrideQuotaForOrigin', { origin: host.url, quotaSize: 1000 })
    await api.send('bob', 'alice', 'hello')
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await expect.poll(() => status(page)).toMatchObject({ storage: 'memory', lastError: expect.stringMatching(/storage/) })
    await api.send('carol', 'alice', 'hello')
    await expect.poll(async () => idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
  } finally {
    await context.close()
  }
})

test.describe('with an encryption key', () => {
  /** Connects alice with the page's key of that name, which is made when there is none. */
  async function connectSealed(page: Page, server: import('./server').Server, name: string): Promise<void> {
    await connect(page, server, 'alice', { storage: 'memory' }) // the page and its token function
    await page.evaluate(async ([url, name]) => {
      const w = window as unknown as { keys: Record<string, CryptoKey> }
      w.keys ??= {}
      w.keys[name!] ??= await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
      await window.clients.alice!.close()
      const sdk = '/sdk/index.js'
      const { connect } = (await import(sdk)) as typeof import('recents')
      const token = async (): Promise<string> =>
        (await (await fetch(`${url}/v1/dev/token`, { method: 'POST', body: '{"account":"alice"}' })).json()).data.token
      window.clients.alice = connect({ url: url!, account: 'alice', token, encryptionKey: w.keys[name!]! })
    }, [server.url, name])
  }

  test('nothing that is stored can be read, but with it', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'a secret')
    await connectSealed(page, server, 'right')
    await untilConnection(page, 'alice', 'live')
    await api.send('carol', 'alice', 'another secret')
    await expect.poll(async () => idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
    await page.evaluate(() => window.clients.alice!.close())
    const stored = await records(page)
    expect(stored.map(([store]) => store)).toEqual(expect.arrayContaining(['chunks', 'head']))
    expect(JSON.stringify(stored)).not.toMatch(/secret|bob|carol/)

    await server.stop()
    await connectSealed(page, server, 'right')
    expect(idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
    expect(await get(page, 'bob')).toMatchObject({ code: 0, source: 'cache' })
    await page.evaluate(() => window.clients.alice!.close())
    await connectSealed(page, server, 'wrong')
    expect(await list(page, 'alice')).toMatchObject({ code: 415, data: null })
    await page.evaluate(() => window.clients.alice!.close())

    await server.start()
    await connectSealed(page, server, 'wrong')
    await untilConnection(page, 'alice', 'live')
    expect(idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
  })
})

test('what another tab has written is not added to as if it were this one’s', async ({ server, api, page }) => {
  await api.send('bob', 'alice', 'hello')
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await expect.poll(async () => JSON.stringify(await records(page))).toContain('epoch')
  await tamper(page, `(store, value) => (store === 'chunks' ? undefined : value.epoch ? { ...value, cursor: 0, generation: value.generation + 1, chunks: 0 } : value)`)
  await api.send('carol', 'alice', 'hello')
  await expect.poll(async () => JSON.stringify(await records(page))).toContain('carol')
  await page.evaluate(() => window.clients.alice!.close())
  await server.stop()
  await page.reload()
  await connect(page, server, 'alice')
  for (const id of ['bob', 'carol']) expect(await get(page, id)).toMatchObject({ code: 0, source: 'cache' })
})

test('two tabs that write the same storage leave a list that is right', async ({ server, api, page, context }) => {
  const other = await context.newPage()
  for (const tab of [page, other]) {
    await connect(tab, server, 'alice')
    await untilConnection(tab, 'alice', 'live')
  }
  for (let i = 0; i < 30; i++) await api.send(`friend${i % 7}`, 'alice', String(i))
  const right = await api.list('alice')
  for (const tab of [page, other]) {
    await expect.poll(async () => (await list(tab, 'alice')).data).toEqual(right)
    await tab.evaluate(() => window.clients.alice!.close())
  }
  await server.stop()
  await page.reload()
  await connect(page, server, 'alice')
  await page.evaluate(() => window.clients.alice!.ready)
  const cached = await page.evaluate(() => window.clients.alice!.messageService.queryMySessionList({ minTimestamp: 1 })) // of the core
  expect(cached).toMatchObject({ code: 0, source: 'cache', complete: true, data: right })
})

test('a wipe in one tab ends the others, and nothing comes back', async ({ server, api, page, context }) => {
  await api.send('bob', 'alice', 'hello')
  const other = await context.newPage()
  for (const tab of [page, other]) {
    await connect(tab, server, 'alice')
    await untilConnection(tab, 'alice', 'live')
  }
  await page.evaluate(() => window.clients.alice!.logout({ wipe: true }))
  await untilConnection(other, 'alice', 'closed')
  expect(await status(other)).toMatchObject({ lastError: expect.stringContaining('wiped') })
  expect(await list(other, 'alice')).toMatchObject({ code: 415, data: null })
  await api.send('carol', 'alice', 'hello')
  expect(await page.evaluate(() => indexedDB.databases())).toEqual([])
})

test('a page that adds nothing to its globals has none of ours', async ({ server, page }) => {
  await page.goto('/blank.html')
  const before = await page.evaluate(() => Object.getOwnPropertyNames(window))
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  const added = (await page.evaluate(() => Object.getOwnPropertyNames(window))).filter((name) => !before.includes(name))
  expect(added).toEqual(['clients'])
})

test('in Node the package works as well', async ({ server, api }) => {
  await api.send('bob', 'alice', 'hello')
  const index = fileURLToPath(new URL('../build/sdk/index.js', import.meta.url))
  const script = `
    const { connect } = await import(${JSON.stringify(index)})
    const client = connect({ url: ${JSON.stringify(server.url)}, account: 'alice', token: ${JSON.stringify(await api.token('alice'))} })
    const ready = await client.ready
    const one = await client.messageService.queryMySession('bob', 'p2p')
    const set = await client.messageService.updateMySession('bob', 'p2p', 'from Node')
    await client.close()
    console.log(JSON.stringify([ready, one.data.sessionId, set.code, client.status.storage, client.status.connection]))`
  // The process ends by itself: a closed client keeps nothing alive.
  const { stdout } = await promisify(execFile)('node', ['--input-type=module', '-e', script], { timeout: 20_000 })
  expect(JSON.parse(stdout)).toEqual(['', 'bob', 0, 'memory', 'closed'])
  expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'bob', sessionType: 'p2p' })).toMatchObject({ ext: 'from Node' })
})

// The collector rests while the core loads: one that never began would show by the memory of calls that leave nothing behind.
test('once the core has loaded, its memory does not grow with each call', async ({ server, api, page }) => {
  for (const friend of ['bob', 'carol']) await api.send(friend, 'alice', 'hello')
  await page.addInitScript(() => {
    const { instantiate } = WebAssembly
    const kept = async (program: WebAssembly.Module, imports?: WebAssembly.Imports): Promise<WebAssembly.Instance> => {
      const instance = await instantiate(program, imports)
      Object.assign(window, { memory: Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory) })
      return instance
    }
    Object.assign(WebAssembly, { instantiate: kept })
  })
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  const bytes = await page.evaluate(async () => {
    const { messageService } = window.clients.alice!
    for (let i = 0; i < 20_000; i++) await messageService.queryMySession('bob', 'p2p')
    return (window as unknown as { memory: WebAssembly.Memory }).memory.buffer.byteLength
  })
  expect(bytes).toBeLessThan(24 << 20)
})
