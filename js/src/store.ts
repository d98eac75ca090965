import { readMeta, sameMeta, type Batch, type Meta, type StoredMeta } from './batch.js'
import type { Log } from './log.js'
import { textOf } from './result.js'
import { Seal } from './seal.js'

/** How long the browser may take to open the database, ms: some never answer. */
const openPatience = 3000
/** How long a transaction may take, ms: a browser that loses one tells nothing. */
const workPatience = 10_000
/** How long what came of a transaction that has ended may take to be told, ms. */
const tellPatience = 1000
/** How long other tabs may hold a database that is deleted, ms. Its rows are gone already. */
const deletePatience = 2000
/** How often a lost connection is opened again before storage counts as failed. */
const mostReopened = 3
/** Records read at once: each read is handed over in a task of its own, and a record is up to 180 KB. */
const run = 4
/** How many such reads are asked for ahead: the browser's process works while this one takes what came before. */
const ahead = 8
/** How many bytes are given to IndexedDB in one task, about: it copies them there and then. */
const longestPut = 512 << 10

const storeNames = ['chunks', 'journal', 'head', 'meta', 'outbox'] as const
type StoreName = (typeof storeNames)[number]

// The keys of the two stores of single records.
const stateKey = 'state'
export const ownerKey = 'owner'
export const outboxKey = 'outbox'
export const leaderKey = 'leader'
const headKey = 0

/** What {@link Store.apply} found. */
export type Applied = 'written' | 'failed' | 'full' | { other: Meta | null; fenced: boolean }

/** All that is stored, of one moment: each chunk and journal record, with empty blobs for those that cannot be read, and the outbox. */
export interface Stored {
  meta: Meta | null
  /** Whether the blobs are only the journal records after those that were known. */
  partial: boolean
  /** How many of the blobs are chunks. */
  chunks: number
  blobs: Uint8Array[]
  /** The writes that wait; null when there never was one. */
  outbox: Outbox | null
}

/** Which tab leads, as far as storage knows. */
export interface Leader {
  /** Rises with each leader, so that one that was replaced writes no more. */
  term: number
  /** The leader's own random id. */
  id: string
  /** Where there are no locks: when the leader counts as gone unless it renews this, ms. */
  until: number
}

/** What an FxOutbox asks for (replica's outbox.go): to add a write, or, with `expect`, to number all anew. */
export interface OutboxRequest {
  clientId: string
  /** Writes with a higher number come back. */
  after?: number
  /** How many numbers the write takes. */
  count?: number
  write?: unknown
  /** Number all anew under `clientId`, if they are still this one's. */
  expect?: string
  /** With `expect`: writes up to here are forgotten. */
  done?: number
}

/** The stored outbox, or what is new of it. */
export interface Outbox {
  clientId: string
  /** The number that the next write gets. */
  next: number
  /** A write that does not read is null, and keeps its numbers. */
  writes: { first: number; count: number; write: unknown }[]
}

/** A waiting write as it is stored; its key is `first`. */
export interface WaitingWrite {
  first: number
  count: number
  /** The write's JSON, sealed when there is a key. */
  body: string | Uint8Array<ArrayBuffer>
}

export interface OutboxState {
  clientId: string
  /** The number that the next write gets. */
  next: number
}

/**
 * The name of an account's database: it carries the schema's major, so that an
 * older tab never blocks a newer one, and a hash, so that accounts never share
 * one. `crypto.subtle` could hash, but is absent on plain http.
 */
export function databaseName(owner: string): string {
  let hash = 0xcbf29ce484222325n // FNV-1a, 64 bits
  for (const byte of new TextEncoder().encode(owner)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return `recents.1.${hash.toString(16).padStart(16, '0')}`
}

/** The name that the account's database had in the schema before; undefined for the first one. */
function predecessor(name: string): string | undefined {
  const [prefix, major, hash] = name.split('.')
  return Number(major) > 1 ? `${prefix}.${Number(major) - 1}.${hash}` : undefined
}

/**
 * One account's IndexedDB database, opened at once. Every method works without
 * it as well, and then has nothing: {@link failure} says why.
 */
export class Store {
  /** Why storage failed last, '' when it never did. */
  failure = ''
  /** The database's name, which no other account has. */
  readonly name: string
  /** As which leader this tab writes. */
  term = 0
  readonly #owner: string
  readonly #seal: Seal | undefined
  readonly #onWiped: () => void
  readonly #log: Log
  #opening!: Promise<IDBDatabase>
  #open: IDBDatabase | undefined
  #firstHead: unknown // as it was when the database was opened: what asks for it first waits for no more than that
  #reopened = 0
  #closed = false
  #writes: Promise<unknown> = Promise.resolve()

  /** `onWiped` is called when another tab deletes the database. */
  constructor(url: string, account: string, key: CryptoKey | undefined, log: Log, onWiped: () => void) {
    this.#owner = `${url}\n${account}` // an account holds no control character
    this.name = databaseName(this.#owner)
    this.#seal = key && new Seal(key, this.#owner)
    this.#onWiped = onWiped
    this.#log = log
    this.#reconnect()
  }

  /** The newest page as it was last stored, the JSON of replica's head; undefined when there is none. */
  async head(): Promise<string | undefined> {
    const opening = !this.#open
    const blob = await this.#attempt(async () => {
      const db = await this.#opening
      return opening ? this.#firstHead : (await readRecords(db, ['head', headKey]))[0]
    })
    const bytes = await this.#unsealed('head', headKey, blob)
    return bytes && new TextDecoder().decode(bytes)
  }

  /** What is stored, or what is new since `known`; undefined when storage failed. */
  load(known?: Meta): Promise<Stored | undefined> {
    return this.#attempt(async () => {
      const raw = await this.#transact(['meta', 'chunks', 'journal', 'outbox'], 'readonly', (tx) => readState(tx, known))
      const { meta, partial, from, outbox } = raw
      // Records that are not those that meta tells of count as one too many, unreadable.
      const whole = meta && (partial || raw.chunks.length === meta.chunks) && raw.journal.length === meta.journal - from
      if (!whole) raw.journal.push(undefined)
      const blobs = meta && [...raw.chunks.map((b, i) => this.#unsealed('chunks', i, b)), ...raw.journal.map((b, i) => this.#unsealed('journal', from + i, b))]
      return {
        meta,
        partial,
        chunks: raw.chunks.length,
        blobs: (await Promise.all(blobs ?? [])).map((blob) => blob ?? new Uint8Array()),
        outbox: outbox.state ? await this.#opened(outbox.state, outbox.writes) : null,
      }
    })
  }

  /** Opens the database anew after a failure, and reads it; undefined when that failed again. */
  reopen(): Promise<Stored | undefined> {
    if (this.#closed) return Promise.resolve(undefined) // for good: another tab deleted it
    this.#open?.close()
    this.#reopened = 0
    this.#reconnect()
    return this.load()
  }

  /** Changes the record of which tab leads: `change` returns the new one, or undefined to leave it. Returns what is stored then. */
  lead(change: (stored: Leader | undefined) => Leader | undefined): Promise<Leader | undefined> {
    return this.#attempt(() =>
      this.#transact(['meta'], 'readwrite', (tx) => {
        const meta = tx.objectStore('meta')
        const request = meta.get(leaderKey)
        let leader: Leader | undefined
        request.onsuccess = () => {
          const stored = readLeader(request.result)
          const changed = change(stored)
          if (changed) meta.put(changed, leaderKey)
          leader = changed ?? stored
        }
        return () => leader
      }),
    )
  }

  /** Writes a batch, after those before it, in one transaction. Never rejects. */
  apply(batch: Batch): Promise<Applied> {
    const written = this.#writes.then(() => this.#apply(batch))
    this.#writes = written
    return written
  }

  /**
   * Changes the outbox, after what was asked for before, and returns what is new
   * of it; undefined when storage failed, 'full' when it had no room. A write is
   * on the disk once this resolves: what was reported as queued survives the
   * browser.
   */
  changeOutbox(request: OutboxRequest): Promise<Outbox | 'full' | undefined> {
    const changed = this.#writes.then(() => this.#changeOutbox(request))
    this.#writes = changed
    return changed
  }

  /** Ends the connection once what was asked for is written. */
  async close(): Promise<void> {
    await this.#writes
    this.#closed = true
    this.#open?.close()
    this.#open = undefined
  }

  /**
   * Leaves no row behind. The rows are deleted before the database is, since
   * that waits for as long as another tab holds it. Rejects when neither worked.
   */
  async wipe(): Promise<void> {
    await this.#writes // or one that is being sealed would come after the rows are gone
    const cleared = await this.#attempt(() =>
      this.#transact(storeNames, 'readwrite', (tx) => {
        for (const name of storeNames) tx.objectStore(name).clear()
        return () => true
      }),
    )
    await this.close()
    const deleted = await deleteDatabase(this.name)
    const older = predecessor(this.name)
    if (older) await deleteDatabase(older)
    if (!cleared && !deleted) throw new Error(`storage: the database could not be deleted`)
  }

  async #apply(batch: Batch): Promise<Applied> {
    const applied = await this.#attemptWrite(async (): Promise<Applied> => {
      const sealed = await this.#sealed(batch) // before the transaction, which would not wait for it
      const found = await this.#transact(storeNames, 'readwrite', (tx) => writeBatch(tx, sealed, this.term))
      this.#reopened = 0
      return found ?? 'written'
    })
    return applied ?? 'failed'
  }

  #changeOutbox(request: OutboxRequest): Promise<Outbox | 'full' | undefined> {
    return this.#attemptWrite(async () => {
      const json = JSON.stringify(request.write)
      const body = this.#seal && json ? await this.#seal.close('outbox', 0, new TextEncoder().encode(json)) : json
      const { state, writes } = await this.#transact(['meta', 'outbox'], 'readwrite', (tx) => writeOutbox(tx, request, body), 'strict')
      return this.#opened(state, writes)
    })
  }

  /** Reads writes as they are stored. */
  async #opened({ clientId, next }: OutboxState, stored: WaitingWrite[]): Promise<Outbox> {
    const writes: Outbox['writes'] = []
    for (const { first, count, body } of stored) {
      const bytes = typeof body === 'string' ? undefined : await this.#unsealed('outbox', 0, body)
      const json = typeof body === 'string' && !this.#seal ? body : bytes && new TextDecoder().decode(bytes)
      writes.push({ first, count, write: json ? parsed(json) : null })
    }
    return { clientId, next, writes }
  }

  /** Runs one transaction, on a new connection when the browser lost the old one. */
  async #transact<T>(
    names: readonly StoreName[],
    mode: IDBTransactionMode,
    work: (tx: IDBTransaction) => () => T,
    durability: IDBTransactionDurability = 'relaxed', // rows can be had from the server again
  ): Promise<T> {
    for (;;) {
      const opening = this.#opening
      const db = await opening
      try {
        return await transact(db, names, mode, work, durability)
      } catch (error) {
        if (!isLost(error) || this.#closed) throw error
        if (opening !== this.#opening) continue // another transaction that went with it has asked for a new one
        if (this.#reopened === mostReopened) throw error
        this.#reopened++
        db.close()
        this.#reconnect()
      }
    }
  }

  /** Does what needs storage; undefined, and {@link failure}, when it failed. */
  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!this.#closed) this.failure = `storage: ${textOf(error)}`
      return undefined
    }
  }

  /** As #attempt; 'full' when there was no room. */
  #attemptWrite<T>(work: () => Promise<T>): Promise<T | 'full' | undefined> {
    return this.#attempt(() =>
      work().catch((error: unknown) => {
        if (!isFull(error)) throw error
        this.failure = `storage: ${textOf(error)}`
        return 'full' as const
      }),
    )
  }

  #reconnect(): void {
    this.#opening = this.#connect()
    this.#opening.catch(() => {}) // those who await it hear of it, and maybe nobody does
  }

  async #connect(): Promise<IDBDatabase> {
    if (this.#seal && !globalThis.crypto?.subtle) throw new Error('encryptionKey needs a secure context (https)')
    const db = await openDatabase(this.name, this.#owner)
    db.onversionchange = ({ newVersion }) => {
      this.#closed = true // or this tab would make anew what the other one deletes
      db.close()
      if (newVersion === null) this.#onWiped()
    }
    const [owner, head] = await readRecords(db, ['meta', ownerKey], ['head', headKey])
    this.#firstHead = head
    if (owner === undefined) await transact(db, storeNames, 'readwrite', (tx) => claim(tx, this.#owner))
    else if (owner !== this.#owner) {
      db.close()
      throw new Error("the database is another account's") // whose name has the same hash
    }
    const older = predecessor(this.name)
    if (older) {
      const { inherit } = await import('./majors.js')
      await inherit(db, older, this.#owner).catch((error: unknown) => this.#log('warn', `storage: ${textOf(error)}`)) // it is there the next time as well
    }
    if (this.#closed) db.close()
    this.#open = db
    return db
  }

  async #sealed(batch: Batch): Promise<Batch> {
    const seal = this.#seal
    if (!seal) return batch
    const [journal, head, ...chunks] = await Promise.all([
      batch.journal && seal.close('journal', batch.journalAt, batch.journal),
      batch.head && seal.close('head', headKey, batch.head),
      ...batch.chunks.map((chunk, i) => seal.close('chunks', i, chunk)),
    ])
    return { ...batch, journal, head, chunks: chunks as Uint8Array<ArrayBuffer>[] }
  }

  /** A stored blob as it was given; undefined for what is none. */
  async #unsealed(store: StoreName, number: number, blob: unknown): Promise<Uint8Array | undefined> {
    if (!(blob instanceof Uint8Array)) return undefined
    return this.#seal ? this.#seal.open(store, number, blob as Uint8Array<ArrayBuffer>) : blob
  }
}

/** Gives a database its owner that has none, as a wipe leaves one whose delete never came to pass: with nothing in it, whatever has come since. */
function claim(tx: IDBTransaction, owner: string): () => void {
  const meta = tx.objectStore('meta')
  const request = meta.get(ownerKey)
  request.onsuccess = () => {
    if (request.result !== undefined) return // another tab was first, and may have written
    for (const name of storeNames) tx.objectStore(name).clear()
    meta.put(owner, ownerKey)
  }
  return () => {}
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null // damaged
  }
}

/** Opens the database, and makes it when there is none. Rejects when the browser has none to give. */
function openDatabase(name: string, owner: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1) // what this throws, a missing indexedDB included, rejects
    let late = false
    const timer = setTimeout(() => {
      late = true
      reject(new Error(`the database did not open within ${openPatience} ms`))
    }, openPatience)
    request.onupgradeneeded = () => {
      for (const store of storeNames) request.result.createObjectStore(store)
      request.transaction?.objectStore('meta').put(owner, ownerKey)
    }
    request.onsuccess = () => {
      clearTimeout(timer)
      if (late) request.result.close()
      else resolve(request.result)
    }
    request.onerror = () => {
      clearTimeout(timer)
      reject(request.error)
    }
  })
}

/**
 * Runs one transaction: `work` makes its requests at once, and what it returns
 * reads their results when all is done. A full disk tells itself by an abort
 * alone. One that takes too long is aborted, so that it is not done later, when
 * it counts as failed. One that was about to end when the browser lost the
 * connection tells nothing any more, not even by an abort: it counts as lost.
 */
function transact<T>(
  db: IDBDatabase,
  names: readonly StoreName[],
  mode: IDBTransactionMode,
  work: (tx: IDBTransaction) => () => T,
  durability: IDBTransactionDurability = 'default',
): Promise<T> {
  return new Promise((resolve, reject) => {
    const tx = db.transaction(names, mode, { durability })
    const lost = (): void => {
      ended()
      reject(new DOMException('the connection was lost', 'UnknownError'))
    }
    let timer = setTimeout(() => {
      try {
        tx.abort()
      } catch {
        timer = setTimeout(lost, tellPatience) // it has ended, and what came of it is about to be told, or never
        return
      }
      ended()
      reject(new Error(`no answer within ${workPatience} ms`))
    }, workPatience)
    const ended = (): void => {
      clearTimeout(timer)
      db.removeEventListener('close', lost)
    }
    db.addEventListener('close', lost)
    tx.onabort = () => {
      ended()
      reject(tx.error ?? new Error('the transaction was aborted'))
    }
    const result = work(tx)
    tx.oncomplete = () => {
      ended()
      resolve(result())
    }
  })
}

/** Reads single records, and is done when the last one is there: that the transaction has ended is told later by as much again. */
function readRecords(db: IDBDatabase, ...asked: [StoreName, IDBValidKey][]): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const read = (tx: IDBTransaction): (() => void) => {
      const requests = asked.map(([store, key]) => tx.objectStore(store).get(key))
      requests.at(-1)!.onsuccess = () => resolve(requests.map(({ result }) => result as unknown))
      return () => {}
    }
    transact(db, asked.map(([store]) => store), 'readonly', read).catch(reject)
  })
}

/** Whether the connection went, as opposed to the request being wrong or the disk full. */
function isLost(error: unknown): boolean {
  const name = (error as Error | null)?.name
  return name === 'InvalidStateError' || name === 'UnknownError'
}

function isFull(error: unknown): boolean {
  return (error as Error | null)?.name === 'QuotaExceededError'
}

interface RawState {
  meta: StoredMeta | null
  partial: boolean
  /** The number of the first journal record. */
  from: number
  chunks: unknown[]
  journal: unknown[]
  outbox: { state: OutboxState | undefined; writes: WaitingWrite[] }
}

function readState(tx: IDBTransaction, known: Meta | undefined): () => RawState {
  const state: RawState = { meta: null, partial: false, from: 0, chunks: [], journal: [], outbox: { state: undefined, writes: [] } }
  const meta = tx.objectStore('meta').get(stateKey)
  meta.onsuccess = () => {
    state.meta = readMeta(meta.result)
    state.partial = known !== undefined && state.meta?.epoch === known.epoch && state.meta.generation === known.generation
    if (state.partial) state.from = known!.journal
    else readRun(tx.objectStore('chunks'), 0, state.chunks)
    readRun(tx.objectStore('journal'), state.from, state.journal)
  }
  const outbox = tx.objectStore('meta').get(outboxKey)
  const writes = tx.objectStore('outbox').getAll()
  return () => ({ ...state, outbox: { state: readOutbox(outbox.result), writes: writes.result.filter(isWaiting) } })
}

/** Takes a stored value for an OutboxState only when it is one. */
function readOutbox(value: unknown): OutboxState | undefined {
  const state = value as OutboxState | undefined
  return typeof state?.clientId === 'string' && state.clientId !== '' && Number.isSafeInteger(state.next) && state.next > 0 ? state : undefined
}

/** Whether a stored value is a waiting write, readable or not. */
function isWaiting(value: unknown): value is WaitingWrite {
  const write = value as WaitingWrite | null
  return [write?.first, write?.count].every((n) => Number.isSafeInteger(n) && n! > 0)
}

/** Takes a stored value for a Leader only when it is one. */
export function readLeader(value: unknown): Leader | undefined {
  const leader = value as Leader | undefined
  return Number.isSafeInteger(leader?.term) && typeof leader?.id === 'string' && Number.isSafeInteger(leader.until) ? leader : undefined
}

/** Reads records `from` and up, some at a time so that none of the tasks is long. */
function readRun(store: IDBObjectStore, from: number, into: unknown[]): void {
  const ask = (): void => {
    const request = store.getAll(IDBKeyRange.bound(from, from + run - 1))
    from += run
    request.onsuccess = () => {
      into.push(...request.result)
      if (request.result.length === run) ask()
    }
  }
  for (let i = 0; i < ahead; i++) ask()
}

/** Puts records `from` and up, some at a time so that none of the tasks is long. The next ones follow when half of them are stored: the browser's process has the other half to do meanwhile. */
function putRun(store: IDBObjectStore, records: Uint8Array[], from: number): void {
  let half: IDBRequest | undefined
  for (let i = from, size = 0; i < records.length && size < longestPut; i++) {
    size += records[i]!.length
    const request = store.put(records[i]!, i)
    if (size >= longestPut / 2) half ??= request
    if (size >= longestPut) half!.onsuccess = () => putRun(store, records, i + 1)
  }
}

/** Compares and sets, as the leader of a term. The result is undefined when it was written, else why not. */
function writeBatch(tx: IDBTransaction, batch: Batch, term: number): () => Exclude<Applied, string> | undefined {
  const meta = tx.objectStore('meta')
  const leader = meta.get(leaderKey)
  const request = meta.get(stateKey)
  let other: Exclude<Applied, string> | undefined
  request.onsuccess = () => {
    const found = readMeta(request.result)
    const fenced = (readLeader(leader.result)?.term ?? 0) > term
    if (fenced || !sameMeta(found, batch.expect)) {
      other = { other: found, fenced }
      return
    }
    const chunks = tx.objectStore('chunks')
    const journal = tx.objectStore('journal')
    if (batch.clear) {
      chunks.clear()
      journal.clear()
    }
    putRun(chunks, batch.chunks, 0)
    if (batch.journal) journal.put(batch.journal, batch.journalAt)
    if (batch.head) tx.objectStore('head').put(batch.head, headKey)
    const stored: StoredMeta = { ...batch.meta, chunks: batch.clear ? batch.chunks.length : (found?.chunks ?? 0) }
    meta.put(stored, stateKey)
    if (batch.done > 0) forgetWrites(tx, batch.meta.clientId, batch.done)
  }
  return () => other
}

/** Forgets the writes up to a number, while the numbers are still those of the client id. */
function forgetWrites(tx: IDBTransaction, clientId: string, done: number): void {
  const request = tx.objectStore('meta').get(outboxKey)
  request.onsuccess = () => {
    if (readOutbox(request.result)?.clientId === clientId) tx.objectStore('outbox').delete(IDBKeyRange.upperBound(done))
  }
}

/** Adds a write or numbers all anew; see {@link OutboxRequest}. The result is what the tab does not know yet. */
function writeOutbox(tx: IDBTransaction, request: OutboxRequest, body: WaitingWrite['body'] | undefined): () => OutboxChange {
  const stored = tx.objectStore('meta').get(outboxKey)
  const change: OutboxChange = { state: { clientId: '', next: 1 }, writes: [] }
  stored.onsuccess = () => {
    // Where the numbers of the client id are forgotten, they go on after those that this tab knows of: the server takes none twice.
    const state: OutboxState = readOutbox(stored.result) ?? { clientId: request.expect ?? request.clientId, next: (request.after ?? 0) + 1 }
    if (request.expect === state.clientId) renumber(tx, request, change)
    else addWrite(tx, state, request, body, change)
  }
  return () => change
}

interface OutboxChange {
  state: OutboxState
  writes: WaitingWrite[]
}

function addWrite(tx: IDBTransaction, state: OutboxState, request: OutboxRequest, body: WaitingWrite['body'] | undefined, change: OutboxChange): void {
  const outbox = tx.objectStore('outbox')
  const count = body === undefined ? 0 : (request.count ?? 0)
  change.state = { clientId: state.clientId, next: state.next + count }
  if (body !== undefined && count > 0) {
    outbox.put({ first: state.next, count, body } satisfies WaitingWrite, state.next)
    tx.objectStore('meta').put(change.state, outboxKey)
  }
  // Numbers of another client id say nothing of those that this tab knows.
  const after = state.clientId === request.clientId ? (request.after ?? 0) : 0
  const news = outbox.getAll(IDBKeyRange.lowerBound(after, true))
  news.onsuccess = () => (change.writes = news.result.filter(isWaiting))
}

function renumber(tx: IDBTransaction, request: OutboxRequest, change: OutboxChange): void {
  const outbox = tx.objectStore('outbox')
  const waiting: IDBRequest<WaitingWrite[]> = outbox.getAll(IDBKeyRange.lowerBound(request.done ?? 0, true))
  waiting.onsuccess = () => {
    outbox.clear()
    let next = 1
    for (const write of waiting.result.filter(isWaiting)) {
      const numbered = { ...write, first: next }
      outbox.put(numbered, next)
      change.writes.push(numbered)
      next += write.count
    }
    change.state = { clientId: request.clientId, next }
    tx.objectStore('meta').put(change.state, outboxKey)
  }
}

/** Deletes a database; false when the browser refused. A delete that another tab holds up happens when that one lets go. */
export function deleteDatabase(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), deletePatience)
    const settle = (deleted: boolean): void => {
      clearTimeout(timer)
      resolve(deleted)
    }
    try {
      const request = indexedDB.deleteDatabase(name)
      request.onsuccess = () => settle(true)
      request.onerror = () => settle(false)
    } catch {
      settle(true) // no IndexedDB, so no row
    }
  })
}
