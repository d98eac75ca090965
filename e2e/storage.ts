import type { Page } from '@playwright/test'
import { connect, untilConnection } from './fixtures'
import type { Server } from './server'

/** Connects alice, lets everything be stored, and closes. */
export async function fillStorage(page: Page, server: Server): Promise<void> {
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  await page.evaluate(() => window.clients.alice!.close())
}

/** Every record of the one database: [store, key, value], bytes as latin1 text. */
export function records(page: Page): Promise<[string, IDBValidKey, unknown][]> {
  return page.evaluate(async () => {
    const [{ name }] = (await indexedDB.databases()) as [{ name: string }]
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
