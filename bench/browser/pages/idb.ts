import { deleteDB, openDB, type IDBPDatabase } from 'idb'
import { sessions, type Session } from '../rows.js'
import { each } from './peer.js'

let db: IDBPDatabase

/** The newest sessions by a cursor, as idb's own documentation reads an index. */
async function newest(limit: number): Promise<Session[]> {
  const list: Session[] = []
  let cursor = await db.transaction('sessions').store.index('updateTime').openCursor(null, 'prev')
  while (cursor && list.push(cursor.value) < limit) cursor = await cursor.continue()
  return list
}

window.bench = {
  async fill(count) {
    await deleteDB('idb')
    db = await openDB('idb', 1, {
      upgrade: (fresh) => void fresh.createObjectStore('sessions', { keyPath: 'key' }).createIndex('updateTime', 'updateTime'),
    })
    const tx = db.transaction('sessions', 'readwrite')
    for (const row of sessions(count)) void tx.store.put(row)
    await tx.done
  },

  page: (times) => each(times, () => newest(100)),
}
