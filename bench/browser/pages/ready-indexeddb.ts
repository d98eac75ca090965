import type { Session } from '../rows.js'
import { size } from './address.js'
import { done } from './list.js'

/** Until every session is an object in memory, in order: plain IndexedDB, rows as they were put. */
const opening = indexedDB.open('idb', 1)
opening.onsuccess = () => {
  const request: IDBRequest<Session[]> = opening.result.transaction('sessions').objectStore('sessions').getAll()
  request.onsuccess = () => {
    const rows = request.result.sort((a, b) => b.updateTime - a.updateTime)
    if (rows.length !== Number(size)) throw new Error(`${rows.length} sessions are there, not ${size}`)
    done()
  }
}
