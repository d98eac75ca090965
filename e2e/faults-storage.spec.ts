import { mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from '@playwright/test'
import type { Api } from './api.mjs'
import { Chrome } from './chrome'
import { inSeconds, PageClock } from './clock'
import { connect, expect, idsOf, list, test, untilConnection } from './fixtures'
import { measured } from './measured'
import type { Server } from './server'
import { fillStorage, get, holdNextPut, records, tamper, worksFromMemory } from './storage'
import { setExt, status } from './tabs'

/** What the page, online, must show, and offline, after a reload, from what it stored. */
async function expectStoredAnew(page: Page, server: Server, api: Api): Promise<void> {
  const right = await api.list('alice')
  await expect.poll(async () => (await list(page, 'alice')).data).toEqual(right)
  await page.evaluate(() => window.clients.alice!.close())
  await server.stop()
  await page.reload()
  await connect(page, server, 'alice')
  await page.evaluate(() => window.clients.alice!.ready)
  const cached = await page.evaluate(() => window.clients.alice!.messageService.queryMySessionList({ minTimestamp: 1 })) // of the core
  expect(cached).toMatchObject({ code: 0, source: 'cache', complete: true, data: right })
}

/** Counts what a page asks when it starts over from nothing. */
function snapshots(page: Page): () => number {
  let n = 0
  page.on('request', (request) => void (request.method() === 'POST' && request.url().endsWith('/v1/snapshot') && n++))
  return () => n
}

test('D2 storage that the user clears behind our back is written anew', async ({ server, api, page, host }) => {
  await api.send('bob', 'alice', 'hello')
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Storage.clearDataForOrigin', { origin: host.url, storageTypes: 'indexeddb' })
  await api.send('carol', 'alice', 'hello')
  await expect.poll(async () => idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
  expect(await status(page)).toMatchObject({ connection: 'live', storage: 'indexeddb' })
  await expectStoredAnew(page, server, api)
  measured('D2', 'both sessions stored again with the next change, storage in use all the time')
})

test('D3 a tab that lets go of nothing holds up neither a wipe nor another tab', async ({ server, api, page, context }) => {
  await api.send('bob', 'alice', 'hello')
  const clock = await PageClock.of(page)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  const holder = await context.newPage()
  await holder.goto('/blank.html')
  await holder.evaluate(async () => {
    const [{ name }] = (await indexedDB.databases()) as [{ name: string }]
    const request = indexedDB.open(name)
    await new Promise((resolve) => (request.onsuccess = resolve))
    Object.assign(window, { held: request.result })
  })
  await page.evaluate(() => void window.clients.alice!.logout({ wipe: true }).then(() => Object.assign(window, { wiped: true })))
  const wiped = await clock.until('the wipe ends', () => page.evaluate(() => 'wiped' in window), { most: 5, step: 250 })
  const left = await holder.evaluate(async () => {
    const { held } = window as unknown as { held: IDBDatabase }
    const counts = [...held.objectStoreNames].map((store) => held.transaction(store).objectStore(store).count())
    await new Promise((resolve) => (counts.at(-1)!.onsuccess = resolve))
    return counts.map((c) => c.result)
  })
  expect(left, 'the database is still there, its rows are not').toEqual([0, 0, 0, 0, 0])

  // The deletion waits for the holder, and an open waits for the deletion.
  await page.evaluate(() => Object.assign(window, { clients: {} }))
  await connect(page, server, 'alice')
  const opened = await clock.until('storage is given up', async () => (await status(page)).storage === 'memory', { most: 5, step: 250 })
  await clock.until('it is live', async () => (await status(page)).connection === 'live')
  expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
  await holder.close()
  await expect.poll(async () => (await records(page)).map(([, key]) => key), 'of the second visit').toEqual(['owner'])
  measured('D3', `wiped after ${inSeconds(wiped)} with 0 rows left; opened in vain for ${inSeconds(opened)}, then memory`)
})

/** Ways to spoil the files of a LevelDB; the bytes are always the same. */
const damages: Record<string, (file: string) => Promise<void>> = {
  'garbage in every file': async (file) => writeFile(file, Buffer.from(Array.from({ length: (await stat(file)).size }, (_, i) => (i * 97 + 13) % 251))),
  'every file cut in half': async (file) => truncate(file, Math.floor((await stat(file)).size / 2)),
  'no file but the lock': async (file) => (file.endsWith('LOCK') ? undefined : rm(file)),
}

for (const [damage, spoil] of Object.entries(damages)) {
  test(`D4 a damaged database is read from the server again: ${damage}`, async ({ server, api, host }) => {
    for (const friend of ['bob', 'carol']) await api.send(friend, 'alice', 'hello')
    await withProfile(async (profile) => {
      let chrome = await Chrome.start(profile)
      const first = await chrome.page(host.url)
      await fillStorage(first, server)
      await chrome.kill()
      let files = 0
      for (const entry of await readdir(join(profile, 'Default/IndexedDB'), { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) await spoil(join(entry.parentPath, entry.name)).then(() => files++)
      }
      expect(files).toBeGreaterThan(3)

      chrome = await Chrome.start(profile)
      try {
        const page = await chrome.page(host.url)
        const again = snapshots(page)
        await connect(page, server, 'alice')
        await untilConnection(page, 'alice', 'live')
        expect((await list(page, 'alice')).data).toEqual(await api.list('alice'))
        expect(again(), 'nothing of it was believed').toBe(1)
        const { storage } = await status(page)
        if (storage === 'indexeddb') await expectStoredAnew(page, server, api)
        measured('D4', `${damage} (${files} files): listed anew, then storage is ${storage}`)
      } finally {
        await chrome.kill()
      }
    })
  })
}

test('D4 a waiting write that cannot be read is told of, and holds up no other', async ({ server, api, page, context }) => {
  for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
  await queueThree(page, server, context)
  await tamper(page, `(store, value) => (store === 'outbox' && value.first === 2 ? { ...value, body: '{"at":5,"muts":[{"op":"drop ta' } : value)`)
  await context.setOffline(false)
  await page.reload()
  const statuses = await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await expect.poll(async () => (await status(page)).pending).toBe(0)
  expect((await api.list('alice')).sessionList.map(({ sessionId, ext }) => [sessionId, ext])).toEqual([['dave', 'waits'], ['carol', undefined], ['bob', 'waits']])
  expect((await statuses()).map((s) => s.lastError)).toContain('outbox: a write that waited could not be read, and is lost')
  measured('D4', 'of 3 waiting writes 1 unreadable: 2 sent, the loss told by lastError')
})

for (const damage of ['null', '5', '{}', '{ first: "x", count: -1, body: 7 }']) {
  test(`D4 what is no waiting write at all holds up nothing: ${damage}`, async ({ server, api, page, context }) => {
    for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
    await queueThree(page, server, context)
    await tamper(page, `(store, value) => (store === 'outbox' && value.first === 2 ? ${damage} : value)`)
    await expectSent(page, server, api, context, [['dave', 'waits'], ['carol', undefined], ['bob', 'waits']])
    measured('D4', `of 3 waiting writes 1 is ${damage}: 2 sent`)
  })
}

for (const damage of ['null', '"x"', '{}', '{ clientId: "c", next: "x" }', '{ clientId: "c", next: -3 }']) {
  test(`D4 numbers of waiting writes that cannot be read cost no storage: ${damage}`, async ({ server, api, page, context }) => {
    await api.send('bob', 'alice', 'hello')
    await fillStorage(page, server)
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    expect((await setExt(page, 'bob', 'before')).code).toBe(0)
    await page.evaluate(() => window.clients.alice!.close())
    await tamper(page, `(store, value) => (store === 'meta' && 'next' in Object(value) ? ${damage} : value)`)
    await page.reload()
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await context.setOffline(true)
    await untilConnection(page, 'alice', 'offline')
    expect((await setExt(page, 'bob', 'after')).code).toBe(202)
    expect(await status(page)).toMatchObject({ storage: 'indexeddb' })
    await page.evaluate(() => window.clients.alice!.close())
    await expectSent(page, server, api, context, [['bob', 'after']])
    measured('D4', `their numbers are ${damage}: storage in use, the next write queued and sent`)
  })
}

/** Leaves three writes of alice's in storage, for bob, carol and dave, and nobody connected. */
async function queueThree(page: Page, server: Server, context: BrowserContext): Promise<void> {
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await context.setOffline(true)
  await untilConnection(page, 'alice', 'offline')
  for (const friend of ['bob', 'carol', 'dave']) expect((await setExt(page, friend, 'waits')).code).toBe(202)
  await page.evaluate(() => window.clients.alice!.close())
}

/** What the server has once a page that comes online with the stored writes has sent them: the ext by session. Storage stays in use. */
async function expectSent(page: Page, server: Server, api: Api, context: BrowserContext, right: [string, string | undefined][]): Promise<void> {
  await context.setOffline(false)
  await page.reload()
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await expect.poll(async () => (await status(page)).pending).toBe(0)
  await expect.poll(async () => (await api.list('alice')).sessionList.map(({ sessionId, ext }) => [sessionId, ext])).toEqual(right)
  expect(await status(page)).toMatchObject({ storage: 'indexeddb', lastError: '' })
}

test('D5 storage that cannot be opened is done without', async ({ server, api, host }) => {
  await api.send('bob', 'alice', 'hello')
  await withProfile(async (profile) => {
    await (await Chrome.start(profile)).kill()
    const dir = join(profile, 'Default/IndexedDB')
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    await writeFile(dir, 'a file where a directory should be')
    const chrome = await Chrome.start(profile)
    try {
      await worksFromMemory(await chrome.page(host.url), server, api)
    } finally {
      await chrome.kill()
    }
  })
  measured('D5', 'a file in place of the directory: all works, the status says memory')
})

/** The stores that one flush writes to, in this order. */
const flushed = ['journal', 'head', 'meta'] as const

/** Has alice's page flush a change, and returns while the transaction of that flush is open at one of its stores. */
async function stopInFlush(page: Page, server: Server, api: Api, store: string, text: string): Promise<void> {
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await holdNextPut(page, store)
  await api.send('bob', 'alice', text)
  await page.waitForFunction(() => 'holding' in window)
}

/** A page that finds what an interrupted one has stored must be able to go on from there. */
async function expectWhole(page: Page, server: Server, api: Api): Promise<void> {
  const again = snapshots(page)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await expect.poll(async () => (await list(page, 'alice')).data).toEqual(await api.list('alice'))
  await page.evaluate(() => window.clients.alice!.close()) // after the pull that compares the digest
  expect(again(), 'the cursor belongs to the rows: nothing is listed anew').toBe(0)
}

test('D6 a browser that is killed while it writes leaves whole batches', async ({ server, api, host }) => {
  test.setTimeout(120_000) // it starts four browsers
  for (const friend of ['bob', 'carol']) await api.send(friend, 'alice', 'hello')
  await withProfile(async (profile) => {
    let chrome = await Chrome.start(profile)
    await fillStorage(await chrome.page(host.url), server)
    for (const store of flushed) {
      await stopInFlush(await chrome.page(host.url), server, api, store, `killed at ${store}`)
      await chrome.kill()
      chrome = await Chrome.start(profile)
      await expectWhole(await chrome.page(host.url), server, api)
    }
    await chrome.kill()
  })
  measured('D6', `kill -9 inside ${flushed.length} open transactions: cursor and rows matched each time, 0 listed anew`)
})

test('D7 a tab that is closed in a transaction leaves all of it or nothing', async ({ server, api, context }) => {
  for (const friend of ['bob', 'carol']) await api.send(friend, 'alice', 'hello')
  const first = await context.newPage()
  await fillStorage(first, server)
  for (const store of flushed) {
    const page = await context.newPage()
    await stopInFlush(page, server, api, store, `closed at ${store}`)
    await page.close()
    const next = await context.newPage()
    await expectWhole(next, server, api)
    await next.close()
  }
  measured('D7', `closed inside ${flushed.length} open transactions: cursor and rows matched each time, 0 listed anew`)
})

test('D8 a crash while the database is made leaves one that the next tab makes whole', async ({ server, api, context }) => {
  await api.send('bob', 'alice', 'hello')
  const page = await context.newPage()
  await page.addInitScript(() => {
    const create = IDBDatabase.prototype.createObjectStore
    IDBDatabase.prototype.createObjectStore = function (name, options) {
      const store = create.call(this, name, options)
      if (name === 'head') {
        const again = (): void => void (store.get('nothing').onsuccess = again)
        again()
        Object.assign(window, { holding: true })
      }
      return store
    }
  })
  await connect(page, server, 'alice')
  await page.waitForFunction(() => 'holding' in window)
  const crashed = page.waitForEvent('crash')
  const devtools = await context.newCDPSession(page)
  devtools.send('Page.crash').catch(() => {}) // there is nobody left to answer
  await crashed

  const next = await context.newPage()
  await fillStorage(next, server)
  expect(await status(next)).toMatchObject({ storage: 'indexeddb', lastError: '' })
  const stores = new Set((await records(next)).map(([store]) => store))
  expect(stores).toEqual(new Set(['chunks', 'head', 'meta']))
  measured('D8', 'a crash in the upgrade: the next tab made all stores and filled them')
})

const broken = {
  'there is none': `Object.defineProperty(window, 'indexedDB', { value: undefined })`,
  'its getter throws': `Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError') } })`,
  'open throws': `IDBFactory.prototype.open = () => { throw new DOMException('no', 'InvalidStateError') }`,
  'open fails': `{ const open = IDBFactory.prototype.open; IDBFactory.prototype.open = function (name) { open.call(this, name, 9); return open.call(this, name, 1) } }`,
  'every write is aborted': `{ const put = IDBObjectStore.prototype.put; IDBObjectStore.prototype.put = function (value, key) { const request = put.call(this, value, key); if (key === 'state') this.transaction.abort(); return request } }`,
}

for (const [fault, script] of Object.entries(broken)) {
  test(`D10 without indexedDB, since ${fault}, everything works from memory`, async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await page.addInitScript(script)
    await worksFromMemory(page, server, api)
    measured('D10', `${fault}: memory, told by the status`)
  })
}

test('D11 an open that never answers is waited for 3 s', async ({ server, api, page }) => {
  await api.send('bob', 'alice', 'hello')
  await page.addInitScript(`IDBFactory.prototype.open = () => ({})`)
  const clock = await PageClock.of(page)
  await connect(page, server, 'alice')
  const took = await clock.until('storage is given up', async () => (await status(page)).storage === 'memory', { most: 6, step: 250 })
  expect(took).toBeLessThanOrEqual(3.5)
  await clock.until('it is live', async () => (await status(page)).connection === 'live')
  expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
  measured('D11', `memory after ${inSeconds(took)}, live then`)
})

/** In a chunk of rows, drops the first row or gives it another seq, and makes the checksum right again. */
const forge = (how: 'drop' | 'alter'): string => `(store, value) => {
  if (store !== 'chunks') return value
  const view = new DataView(value.buffer.slice(value.byteOffset, value.byteOffset + value.length))
  const rows = []
  for (let at = 12; at < view.byteLength; at += 4 + view.getUint32(at, true)) rows.push(new TextDecoder().decode(new Uint8Array(view.buffer, at + 4, view.getUint32(at, true))))
  if (${how === 'drop'}) rows.shift()
  else rows[0] = rows[0].replace(/"q":(\\d+)/, (_, seq) => '"q":' + (Number(seq) + 5))
  const bytes = rows.map((row) => new TextEncoder().encode(row))
  const out = new DataView(new ArrayBuffer(12 + bytes.reduce((n, b) => n + 4 + b.length, 0)))
  new Uint8Array(out.buffer).set(value.subarray(0, 4))
  out.setUint32(4, rows.length, true)
  let at = 12
  for (const b of bytes) { out.setUint32(at, b.length, true); new Uint8Array(out.buffer).set(b, at + 4); at += 4 + b.length }
  const end = out.byteLength
  const step = (hash, value, factor) => { const h = BigInt.asUintN(64, (hash ^ value) * factor); return h ^ (h >> 32n) }
  let hash = BigInt(end - 12) ^ 14695981039346656037n // core.Checksum
  for (at = 12; at + 8 <= end; at += 8) hash = step(hash, out.getBigUint64(at, true), 0xff51afd7ed558ccdn)
  for (; at < end; at++) hash = step(hash, BigInt(out.getUint8(at)), 0xc4ceb9fe1a85ec53n)
  out.setUint32(8, Number(hash & 0xffffffffn), true)
  return new Uint8Array(out.buffer)
}`

const byDigest = 'the cache differed from the server and is read again'
const byChecksum = 'what this browser had stored was damaged and is read again'

for (const [what, change, told] of [
  ['a row is gone, and the rest is in order', forge('drop'), byDigest],
  ['a row is of another change, and the rest is in order', forge('alter'), byDigest],
  ['a byte of the rows is another', `(store, value) => { if (store === 'chunks') value[40] ^= 1; return value }`, byChecksum],
  ['all rows are gone', `(store, value) => (store === 'chunks' || store === 'journal' ? undefined : value)`, byChecksum],
] as const) {
  test(`D13 rows that were changed behind our back are read again: ${what}`, async ({ server, api, page }) => {
    for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', 'hello')
    await fillStorage(page, server)
    await tamper(page, change)
    await page.reload()
    const again = snapshots(page)
    const statuses = await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await expect.poll(again).toBe(1)
    expect((await statuses()).map((s) => s.lastError)).toContain(told)
    await expectStoredAnew(page, server, api)
    expect(again(), 'once').toBe(1)
    measured('D13', `${what}: found by the ${told === byDigest ? 'digest of the first pull' : 'checksum'}, listed anew once`)
  })
}

const huge = `'<script>document.title = "owned"</script>'.repeat(256 * 1024)` // 10 MB

test.describe('D14', () => {
  for (const [what, change] of [
    ['the rows are text', `(store, value) => (store === 'chunks' ? '<script>document.title = "owned"</script>' : value)`],
    ['the rows are 10 MB of markup', `(store, value) => (store === 'chunks' ? new TextEncoder().encode(${huge}) : value)`],
    ['the meta record is a number', `(store, value) => (store === 'meta' && value.epoch ? 5 : value)`],
    ['the meta record is from another world', `(store, value) => (value.epoch ? { ...value, cursor: '5', generation: null } : value)`],
    ['the epoch is 10 MB of markup', `(store, value) => (value.epoch ? { ...value, epoch: ${huge} } : value)`],
    ['the newest page is a list of anything', `(store, value) => (store === 'head' ? new TextEncoder().encode('{"data":{"hasMore":false,"sessionList":[1,{}],"nextMaxTimestamp":0},"asOf":1}') : value)`],
    ['the newest page is 10 MB of markup', `(store, value) => (store === 'head' ? new TextEncoder().encode(${huge}) : value)`],
    ['everything is null', `(store, value) => (typeof value === 'string' ? value : null)`], // the owner's name stays, or it is another database
  ] as const) {
    test(`stored values that nobody wrote are dropped: ${what}`, async ({ server, api, page }) => {
      for (const friend of ['bob', 'carol']) await api.send(friend, 'alice', 'hello')
      await fillStorage(page, server)
      await tamper(page, change)
      await page.reload()
      await connect(page, server, 'alice')
      await untilConnection(page, 'alice', 'live')
      await expectStoredAnew(page, server, api)
      expect(await page.title()).toBe('blank')
      measured('D14', `${what}: dropped, 0 panics, stored anew`)
    })
  }
})

test('D15 while storage takes 5 s, the server’s answers are served', async ({ server, api, page, context }) => {
  await api.send('bob', 'alice', 'old')
  await fillStorage(page, server)
  await api.send('carol', 'alice', 'new')
  await page.evaluate(async () => {
    const [{ name }] = (await indexedDB.databases()) as [{ name: string }]
    const request = indexedDB.open(name)
    await new Promise((resolve) => (request.onsuccess = resolve))
    const store = request.result.transaction([...request.result.objectStoreNames], 'readwrite').objectStore('meta')
    const again = (): void => {
      if (!('release' in window)) store.get('nothing').onsuccess = again
    }
    again()
  })
  const other = await context.newPage()
  const clock = await PageClock.of(other)
  await connect(other, server, 'alice')
  let first: Awaited<ReturnType<typeof list>> | undefined
  void list(other, 'alice').then((result) => (first = result))
  const took = await clock.until('the list is answered', () => first !== undefined, { most: 5, step: 100 })
  expect(first).toMatchObject({ code: 0, source: 'server', fresh: true })
  expect(idsOf(first!)).toEqual(['carol', 'bob'])
  await clock.pass(5)
  expect((await status(other)).connection).toBe('connecting')
  await page.evaluate(() => Object.assign(window, { release: true }))
  await clock.until('it is live', async () => (await status(other)).connection === 'live')
  expect(await get(other, 'bob')).toMatchObject({ code: 0 })
  expect(await status(other)).toMatchObject({ storage: 'indexeddb', lastError: '' })
  measured('D15', `the list after ${inSeconds(took)} from the server; storage in use when it answered after 5 s`)
})

/** Runs with a browser profile on disk, which is deleted afterwards. */
async function withProfile(run: (profile: string) => Promise<void>): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'recents-profile-'))
  try {
    await run(profile)
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
