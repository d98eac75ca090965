import type { Page } from '@playwright/test'
import type { RecentSession } from 'recents'
import { Api, type Session } from './api.mjs'
import { connect, expect, test, untilConnection } from './fixtures'
import { measured } from './measured'
import { Server } from './server'
import { heard, record, status } from './tabs'

/** Makes sessions of alice's, a hundred a request, as another device of hers would. */
async function fill(api: Api, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 100) {
    const muts = Array.from({ length: Math.min(100, to - at) }, (_, i) => ({ mid: at - from + i + 1, op: 'ext', key: `p2p|friend${at + i}`, ext: 'x' }))
    const { results } = await api.user('alice', '/v1/mutate', { clientId: 'filler', muts })
    expect(results.filter((r: { code: number }) => r.code !== 200)).toEqual([])
  }
}

test('N14 a reset of 10,000 sessions never shows an empty list', async ({ server, api, page }) => {
  test.setTimeout(120_000)
  const next = await Server.open() // the same account's list on another server, with a log of its own
  try {
    await Promise.all([fill(api, 0, 10_000), fill(new Api(next.url), 10, 10_010)])
  } finally {
    await next.stop()
  }
  await page.goto(`${server.url}/?as=alice`)
  await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live')
  await expect(page.locator('[data-testid=row][data-key="p2p|friend9999"]')).toBeVisible()
  await page.evaluate(() => {
    const seen = { frames: 0, empty: 0 }
    const look = (): void => {
      seen.frames++
      if (document.querySelectorAll('[data-testid=row]').length === 0) seen.empty++
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
    Object.assign(window, { seen })
  })
  await server.kill()
  await server.take(next)
  await server.start()
  const began = Date.now()
  await expect(page.locator('[data-testid=row][data-key="p2p|friend10009"]'), 'the newest of the new list').toBeVisible({ timeout: 60_000 })
  const took = Date.now() - began
  await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live')
  const { frames, empty } = await page.evaluate(() => (window as unknown as { seen: { frames: number; empty: number } }).seen)
  expect(empty, `of ${frames} frames`).toBe(0)
  expect(frames).toBeGreaterThan(20)
  measured('N14', `10,000 sessions reset to another log: ${frames} frames, ${empty} with an empty list; the new list ${(took / 1000).toFixed(1)} s after the server was back`)
})

/** 500 changes by others and by another device: the same ones each time. */
async function changeMuch(api: Api): Promise<Record<string, number>> {
  const done = { message: 0, revoke: 0, delete: 0, ext: 0 }
  const uuids: string[] = []
  for (let i = 0; i < 500; i++) {
    const sessionId = `friend${(i * 37) % 200}`
    const kind = (['message', 'message', 'ext', 'delete', 'message', 'ext', 'revoke', 'message'] as const)[i % 8]!
    done[kind]++
    if (kind === 'message') {
      uuids.push(`u${i}`)
      await api.send(sessionId, 'alice', `message ${i}`, { uuid: `u${i}` })
    } else if (kind === 'revoke') {
      const uuid = uuids.at(-1)!
      const from = `friend${(Number(uuid.slice(1)) * 37) % 200}`
      await api.backend('/v1/revokeMessage', { from, to: 'alice', sessionType: 'p2p', uuid, operator: from })
    } else if (kind === 'delete') {
      await api.user('alice', '/v1/deleteMySession', { sessionList: [{ sessionId, sessionType: 'p2p' }] })
    } else {
      await api.user('alice', '/v1/updateMySession', { sessionId, sessionType: 'p2p', ext: `ext ${i}` })
    }
  }
  return done
}

/** The server's whole list. */
async function wholeList(api: Api): Promise<Session[]> {
  const all: Session[] = []
  for (let page = await api.list('alice'); ; page = await api.list('alice', { maxTimestamp: page.nextMaxTimestamp })) {
    all.push(...page.sessionList)
    if (!page.hasMore) return all
  }
}

/** Goes online, and returns after how many ms the page's whole list is the right one. */
async function timeToCatchUp(page: Page, right: Session[]): Promise<number> {
  await page.evaluate((right) => {
    const { messageService: ms } = window.clients.alice!
    const whole = async (): Promise<RecentSession[]> => {
      const all: RecentSession[] = []
      for (let maxTimestamp = 0; ; ) {
        const { data } = await ms.queryMySessionList({ maxTimestamp })
        all.push(...data!.sessionList)
        if (!data!.hasMore) return all
        maxTimestamp = data!.nextMaxTimestamp
      }
    }
    addEventListener('online', async () => {
      const began = performance.now()
      const text = JSON.stringify(right)
      while (JSON.stringify(await whole()) !== text) await new Promise(requestAnimationFrame)
      Object.assign(window, { took: performance.now() - began })
    })
  }, right)
  await page.context().setOffline(false)
  await page.waitForFunction(() => 'took' in window)
  return page.evaluate(() => (window as unknown as { took: number }).took)
}

test('N1 after 500 changes while it was offline the list is exact', async ({ server, api, page }) => {
  await fill(api, 0, 200)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await expect.poll(async () => (await status(page)).cached).toBe(200)
  await record(page)
  await page.context().setOffline(true)
  await untilConnection(page, 'alice', 'offline')
  const before = new Map((await wholeList(api)).map((s) => [s.sessionId, JSON.stringify(s)]))
  const done = await changeMuch(api)
  const right = await wholeList(api)
  const took = await timeToCatchUp(page, right)

  const { updates, deletes } = await heard(page)
  const changed = right.filter((s) => before.get(s.sessionId) !== JSON.stringify(s))
  expect(updates.map((s) => s.sessionId).sort(), 'each changed session is told once').toEqual(changed.map((s) => s.sessionId).sort())
  const now = new Set(right.map((s) => s.sessionId))
  expect(deletes.map((k) => k.sessionId).sort(), 'and each that is gone').toEqual([...before.keys()].filter((id) => !now.has(id)).sort())
  expect((await status(page)).lastError).toBe('')
  const what = Object.entries(done).map(([kind, n]) => `${n} ${kind}s`).join(', ')
  measured('N1', `offline through ${what.replace('exts', 'ext edits')}: exact ${Math.round(took)} ms after "online", ${updates.length} updates and ${deletes.length} deletes told once`)
})
