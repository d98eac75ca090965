import type { Page } from '@playwright/test'
import type { NIMResult, RecentSession } from 'recents'
import type { Api } from './api.mjs'
import { connect, expect, idsOf, list, untilConnection } from './fixtures'
import type { Server } from './server'
import { status } from './tabs'

/** Asks for one session, which needs the core. */
export function get(page: Page, id: string): Promise<NIMResult<RecentSession>> {
  return page.evaluate((id) => window.clients.alice!.messageService.queryMySession(id, 'p2p'), id)
}

/** Connects alice, who has a session with bob, in a page whose storage fails: all works, and the status says so. */
export async function worksFromMemory(page: Page, server: Server, api: Api): Promise<void> {
  await connect(page, server, 'alice')
  expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
  await untilConnection(page, 'alice', 'live')
  await api.send('carol', 'alice', 'hello')
  await expect.poll(async () => idsOf(await list(page, 'alice'))).toEqual(['carol', 'bob'])
  await expect.poll(async () => (await status(page)).storage).toBe('memory')
  expect((await status(page)).lastError).toMatch(/storage/)
  await page.evaluate(() => window.clients.alice!.logout({ wipe: true }))
}

/**
 * Keeps the transaction open in which a script of the page next puts something into `store`, by asking for more and
 * more within it; the page's `holding` says when it does.
 */
export function holdNextPut(page: Page, store: string): Promise<void> {
  return page.evaluate((name) => {
    const put = IDBObjectStore.prototype.put
    IDBObjectStore.prototype.put = function (value, key) {
      const request = put.call(this, value, key)
      if (this.name === name && !('holding' in window)) {
        const again = (): void => void (this.get('nothing').onsuccess = again)
        again()
        Object.assign(window, { holding: true })
      }
      return request
    }
  }, store)
}

/** Connects alice, lets everything be stored, and closes. */
export async function fillStorage(page: Page, server: Server): Promise<void> {
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await page.evaluate(() => window.clients.alice!.close())
}

/** Every record of the one database, none while there is none: [store, key, value], bytes as latin1 text. */
export function records(page: Page): Promise<[string, IDBValidKey, unknown][]> {
  return page.evaluate(async () => {
    const [one] = await indexedDB.databases()
    if (!one) return []
    const name = one.name!
    const done = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
    const db = await done(indexedDB.open(name))
    const found: [string, IDBValidKey, unknown][] = []
    for (const store of db.objectStoreNames) {
      const keys = await done(db.transaction(store).objectStore(store).getAllKeys())
      for (const key of keys) {
        const value: unknown = await done(db.transaction(store).objectStore(store).get(key))
        found.push([store, key, value instanceof Uint8Array ? new TextDecoder('latin1').decode(value) : value])
      }
    }
    db.close()
    return found
  })
}

/** Changes records of the one database behind the package's back: `change` is the text of (store name, value) => value. */
export function tamper(page: Page, change: string): Promise<void> {
  return page.evaluate(async (change) => {
    const replace = new Function(`return ${change}`)() as (store: string, value: unknown) => unknown
    const [{ name }] = (await indexedDB.databases()) as [{ name: string }]
    const db = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(name)
      request.onsuccess = () => resolve(request.result)
    })
    const tx = db.transaction([...db.objectStoreNames], 'readwrite')
    for (const store of db.objectStoreNames) {
      const cursor = tx.objectStore(store).openCursor()
      cursor.onsuccess = () => {
        if (!cursor.result) return
        const value = replace(store, cursor.result.value)
        if (value === undefined) cursor.result.delete()
        else cursor.result.update(value)
        cursor.result.continue()
      }
    }
    await new Promise((resolve) => (tx.oncomplete = resolve))
    db.close()
  }, change)
}
