import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { Chrome } from './chrome'
import { connect, expect, idsOf, list, test, untilConnection } from './fixtures'

/** One random-looking but fixed step: an ext edit or a delete of one of ten friends. */
function step(i: number): { id: string; ext: string | null } {
  return { id: `friend${(i * 7) % 10}`, ext: i % 9 === 8 ? null : `edit ${i}` }
}

/** Makes the writes `from` to `to` in the page, and returns the codes that they were answered with. */
function write(page: Page, from: number, to: number): Promise<number[]> {
  const steps = Array.from({ length: to - from }, (_, i) => step(from + i))
  return page.evaluate(async (steps) => {
    const ms = window.clients.alice!.messageService
    const codes = []
    for (const { id, ext } of steps) {
      const result = ext === null ? await ms.deleteMySession([{ sessionId: id, sessionType: 'p2p' }]) : await ms.updateMySession(id, 'p2p', ext)
      codes.push(result.code)
    }
    return codes
  }, steps)
}

/** What the first `n` steps leave: the ext of each friend that is not deleted. */
function outcome(n: number): Record<string, string> {
  const exts: Record<string, string> = {}
  for (let i = 0; i < n; i++) {
    const { id, ext } = step(i)
    if (ext === null) delete exts[id]
    else exts[id] = ext
  }
  return exts
}

function extsOf(sessions: { sessionId: string; ext?: string }[]): Record<string, string> {
  return Object.fromEntries(sessions.filter((s) => s.ext !== undefined).map((s) => [s.sessionId, s.ext!]))
}

const pending = (page: Page): Promise<number> => page.evaluate(() => window.clients.alice!.status.pending)

test('200 ext edits and deletes, offline, over 3 reloads and a kill -9 of the browser, are each applied once and in order', async ({ server, api, host }) => {
  for (let i = 0; i < 10; i++) await api.send(`friend${i}`, 'alice', 'hello')
  const profile = await mkdtemp(join(tmpdir(), 'recents-profile-'))
  let chrome = await Chrome.start(profile)
  try {
    let page = await chrome.page(host.url)
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await expect.poll(() => page.evaluate(() => window.clients.alice!.status.cached)).toBe(10)
    await page.evaluate(() => window.clients.alice!.close()) // all is stored
    await server.kill()

    for (let part = 0; part < 4; part++) {
      if (part === 3) {
        await chrome.kill() // right after the last write was reported as pending
        chrome = await Chrome.start(profile)
        page = await chrome.page(host.url)
      } else {
        await page.reload()
      }
      await connect(page, server, 'alice')
      await untilConnection(page, 'alice', 'offline')
      expect(await pending(page)).toBe(part * 50)
      expect(new Set(await write(page, part * 50, part * 50 + 50))).toEqual(new Set([202]))
      const shown = await list(page, 'alice')
      expect(shown).toMatchObject({ code: 0, source: 'cache', fresh: false, pending: true })
      expect(extsOf(shown.data!.sessionList)).toEqual(outcome(part * 50 + 50))
    }

    const head = (await readSync(api)).head
    await server.start()
    await untilConnection(page, 'alice', 'live')
    await expect.poll(() => pending(page)).toBe(0)
    expect(extsOf((await api.list('alice')).sessionList)).toEqual(outcome(200))
    const shown = await list(page, 'alice')
    expect(shown).toMatchObject({ fresh: true, pending: false })
    expect(extsOf(shown.data!.sessionList)).toEqual(outcome(200))
    expect((await readSync(api)).head - head, 'each once: no more changes than writes').toBeLessThanOrEqual(200)
  } finally {
    await chrome.kill()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }

  async function readSync(a: typeof api): Promise<{ head: number }> {
    if (!(await reachable())) return { head: 10 } // ten messages, before the server went away
    return a.user('alice', '/v1/sync', { v: 1, epoch: (await a.user('alice', '/v1/snapshot', { limit: 1 })).epoch, cursor: 0, clientId: 'test', limit: 1 })
  }
  async function reachable(): Promise<boolean> {
    return fetch(`${server.url}/healthz`).then(
      () => true,
      () => false,
    )
  }
})

test('what became of a queued write is told by onSettled', async ({ server, api, page }) => {
  await api.send('bob', 'alice', 'one')
  await api.send('carol', 'alice', 'two')
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await page.context().setOffline(true)
  await untilConnection(page, 'alice', 'offline')
  const codes = await page.evaluate(async () => {
    const ms = window.clients.alice!.messageService
    const settled = ((window as unknown as { settled: object[] }).settled = [])
    window.clients.alice!.onSettled.listen((write) => settled.push(write as never))
    return [(await ms.updateMySession('bob', 'p2p', 'x')).code, (await ms.deleteMySession([{ sessionId: 'carol', sessionType: 'p2p' }])).code]
  })
  expect(codes).toEqual([202, 202])
  expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
  await api.send('carol', 'alice', 'three') // which this page has not seen
  await page.context().setOffline(false)
  await expect.poll(() => page.evaluate(() => (window as unknown as { settled: object[] }).settled)).toEqual([
    { code: 0, errorDetails: '', op: 'ext', sessions: [{ sessionId: 'bob', sessionType: 'p2p' }] },
    { code: 409, errorDetails: 'kept_newer', op: 'delete', sessions: [{ sessionId: 'carol', sessionType: 'p2p' }] },
  ])
  expect(idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
})

test('offlineWrites: reject queues nothing', async ({ server, page }) => {
  await connect(page, server, 'alice', { offlineWrites: 'reject' })
  await untilConnection(page, 'alice', 'live')
  await server.kill()
  await untilConnection(page, 'alice', 'offline')
  const result = await page.evaluate(() => window.clients.alice!.messageService.updateMySession('bob', 'p2p', 'x'))
  expect(result).toMatchObject({ code: 415, isSuccess: false })
  expect(await pending(page)).toBe(0)
  await server.start()
})
