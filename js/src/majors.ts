import { deleteDatabase, ownerKey, readLeader, type OutboxState, type WaitingWrite, leaderKey, outboxKey } from './store.js'

/** How long the older database may take to open, ms. */
const openPatience = 3000
/** The key of the record that says which outbox was taken over last: a crash may come before that one's database is deleted. */
const movedKey = 'moved'

/** The outbox of an older database. */
interface Heritage {
  state: OutboxState
  writes: WaitingWrite[]
}

/**
 * Takes over what waits to be sent from the database of the schema before, and
 * deletes that: rows can be had from the server, writes cannot. Sealed ones move
 * as they are, since a seal is bound to the account and not to the schema. While
 * a tab of the older package lives, its database is left to it.
 */
export async function inherit(db: IDBDatabase, from: string, owner: string): Promise<void> {
  const locks = globalThis.navigator?.locks
  if (!locks) return move(db, from, owner)
  // Whoever leads the older tabs holds this lock, and none of them leads while it is held here.
  await locks.request(from, { ifAvailable: true }, async (lock) => {
    if (lock) await move(db, from, owner)
  })
}

async function move(db: IDBDatabase, from: string, owner: string): Promise<void> {
  const older = await openExisting(from)
  if (!older) return
  let heritage: Heritage | 'in use' | undefined
  try {
    heritage = await readHeritage(older, owner)
  } finally {
    older.close()
  }
  if (heritage === 'in use') return
  if (heritage) await takeOver(db, heritage)
  await deleteDatabase(from)
}

/** Opens a database that is there; undefined when there is none. */
function openExisting(name: string): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    let made = false
    const timer = setTimeout(() => reject(new Error(`the older database did not open within ${openPatience} ms`)), openPatience)
    const settle = (db?: IDBDatabase): void => {
      clearTimeout(timer)
      resolve(db)
    }
    request.onupgradeneeded = () => {
      made = true
      request.transaction?.abort() // leaves none behind
    }
    request.onsuccess = () => settle(request.result)
    request.onerror = () => {
      if (made) return settle()
      clearTimeout(timer)
      reject(request.error)
    }
  })
}

/** Reads what waits; undefined when nothing does or the database is another account's. */
function readHeritage(older: IDBDatabase, owner: string): Promise<Heritage | 'in use' | undefined> {
  return new Promise((resolve, reject) => {
    const tx = older.transaction(['meta', 'outbox'], 'readonly')
    const meta = tx.objectStore('meta')
    const found = { owner: meta.get(ownerKey), leader: meta.get(leaderKey), state: meta.get(outboxKey), writes: tx.objectStore('outbox').getAll() }
    tx.onabort = () => reject(tx.error ?? new Error('the transaction was aborted'))
    tx.oncomplete = () => {
      const state: OutboxState | undefined = found.state.result
      if ((readLeader(found.leader.result)?.until ?? 0) > Date.now()) resolve('in use') // a lease, where there are no locks
      else resolve(state && found.owner.result === owner ? { state, writes: found.writes.result } : undefined)
    }
  })
}

/**
 * Puts the writes into this database's outbox, durably, and once: under their own
 * numbers where there are no others yet, so that what the server has applied of
 * them it does not apply again.
 */
function takeOver(db: IDBDatabase, { state, writes }: Heritage): Promise<void> {
  return new Promise((resolve, reject) => {
    const tx = db.transaction(['meta', 'outbox'], 'readwrite', { durability: 'strict' })
    tx.onabort = () => reject(tx.error ?? new Error('the transaction was aborted'))
    tx.oncomplete = () => resolve()
    const meta = tx.objectStore('meta')
    const which = `${state.clientId} ${state.next}`
    const moved = meta.get(movedKey)
    const own = meta.get(outboxKey)
    own.onsuccess = () => {
      if (moved.result === which) return
      meta.put(which, movedKey)
      meta.put(append(tx.objectStore('outbox'), own.result, state, writes), outboxKey)
    }
  })
}

/** Adds the writes after those that wait here, and returns the outbox's new state. */
function append(outbox: IDBObjectStore, own: OutboxState | undefined, older: OutboxState, writes: WaitingWrite[]): OutboxState {
  if (!own) {
    for (const write of writes) outbox.put(write, write.first)
    return older
  }
  let { next } = own
  for (const write of writes) {
    outbox.put({ ...write, first: next }, next)
    next += write.count
  }
  return { ...own, next }
}
