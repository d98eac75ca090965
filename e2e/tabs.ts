import type { BrowserContext, Page } from '@playwright/test'
import type { ClientStatus, NIMResult, RecentSession, SessionKey } from 'recents'
import { connect, expect, list } from './fixtures'
import type { Server } from './server'

/** For what many tabs do at once, on a machine that does something else as well. */
export const patient = { timeout: 30_000 }

export const status = (page: Page): Promise<ClientStatus> => page.evaluate(() => window.clients.alice!.status)

/** Opens tabs of alice, all at once. */
export async function openTabs(context: BrowserContext, server: Server, n: number): Promise<Page[]> {
  const pages = await Promise.all(Array.from({ length: n }, () => context.newPage()))
  await Promise.all(pages.map((page) => connect(page, server, 'alice')))
  await untilLive(pages)
  return pages
}

export async function untilLive(pages: Page[]): Promise<void> {
  for (const page of pages) await expect.poll(async () => (await status(page)).connection, patient).toBe('live')
}

/** Waits until one of the tabs leads, and returns it. `meanwhile` is done before each look, as letting time pass. */
export async function leaderOf(pages: Page[], meanwhile?: () => Promise<unknown>): Promise<Page> {
  let leader: Page[] = []
  await expect
    .poll(async () => {
      await meanwhile?.()
      const leads = await Promise.all(pages.map(async (page) => (await status(page)).leader))
      leader = pages.filter((_, i) => leads[i])
      return leader.length
    }, patient)
    .toBe(1)
  return leader[0]!
}

/** How many WebSockets the server has open. */
export async function sockets(server: Server): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  return Number(/^recents_sockets (\d+)$/m.exec(metrics)![1])
}

export async function untilOneSocket(server: Server): Promise<void> {
  await expect.poll(() => sockets(server), patient).toBe(1)
}

export interface Heard {
  updates: RecentSession[]
  deletes: SessionKey[]
  settled: { code: number; errorDetails: string }[]
}

/** Has a tab record its events from now on. */
export function record(page: Page): Promise<void> {
  return page.evaluate(() => {
    const client = window.clients.alice!
    const heard: Heard = { updates: [], deletes: [], settled: [] }
    client.messageService.onMySessionUpdate.listen((session) => void heard.updates.push(session))
    client.messageService.onMySessionDelete.listen((keys) => void heard.deletes.push(...keys))
    client.onSettled.listen((write) => void heard.settled.push(write))
    Object.assign(window, { heard })
  })
}

export const heard = (page: Page): Promise<Heard> => page.evaluate(() => (window as unknown as { heard: Heard }).heard)
export const heardFrom = async (page: Page): Promise<string[]> => (await heard(page)).updates.map((s) => s.sessionId)

export function setExt(page: Page, id: string, ext: string): Promise<NIMResult<null>> {
  return page.evaluate(([id, ext]) => window.clients.alice!.messageService.updateMySession(id!, 'p2p', ext!), [id, ext])
}

/** Waits until every tab shows what the server has, and says so. */
export async function untilAllShow(pages: Page[], right: unknown): Promise<void> {
  for (const page of pages) {
    await expect.poll(async () => (await list(page, 'alice')).data, patient).toEqual(right)
    await expect.poll(async () => (await status(page)).pending, patient).toBe(0)
  }
}

/** Ends a tab's process as the system does that runs out of memory. */
export async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash')
  const devtools = await page.context().newCDPSession(page)
  devtools.send('Page.crash').catch(() => {}) // there is nobody left to answer
  await crashed
}

/** Has the next calls into a page's core trap, as a full memory would: its `traps` says how many. To be called before it loads. */
export function trapCore(page: Page): Promise<unknown> {
  return page.addInitScript(() => {
    const instantiate = WebAssembly.instantiate
    Object.assign(window, { traps: 0 })
    WebAssembly.instantiate = (async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
      const instance = await instantiate(module, imports)
      const handle = instance.exports.handle as (...args: number[]) => number
      const exports = {
        ...instance.exports,
        handle: (...args: number[]) => {
          const w = window as unknown as { traps: number }
          if (w.traps > 0 && args[0] === 13 && w.traps--) throw new WebAssembly.RuntimeError('unreachable')
          return handle(...args)
        },
      }
      return new Proxy(instance, { get: (of, name) => (name === 'exports' ? exports : Reflect.get(of, name)) })
    }) as typeof WebAssembly.instantiate
  })
}
