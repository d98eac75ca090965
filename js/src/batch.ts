import { MaxClientID, MaxEpoch } from './wire.gen.js'

/** The stored record that says what the chunks and the journal add up to: replica.Meta. */
export interface Meta {
  epoch: string
  cursor: number
  generation: number
  lowest: number
  asOf: number
  /** How many journal records there are. */
  journal: number
  clientId: string
}

/** {@link Meta} as it is stored: with how many chunks belong to it, since records may go behind our back. */
export interface StoredMeta extends Meta {
  chunks: number
}

/** One write to storage, all of it or nothing: replica.Batch. */
export interface Batch {
  /** What must be stored for the batch to be written; null: nothing. */
  expect: Meta | null
  meta: Meta
  /** Whether all chunks and journal records go first. */
  clear: boolean
  /** As numbers 0 and up. */
  chunks: Uint8Array<ArrayBuffer>[]
  journal: Uint8Array<ArrayBuffer> | undefined
  journalAt: number
  head: Uint8Array<ArrayBuffer> | undefined
  /** The outbox forgets the writes up to here; 0: none. */
  done: number
}

/** Reads replica.Batch's encoding: a header's length and JSON, and the blobs whose lengths it gives; the chunks came before it. */
export function decodeBatch(bytes: Uint8Array<ArrayBuffer>, chunks: Uint8Array<ArrayBuffer>[]): Batch {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  let at = 4 + length
  // A copy, since IndexedDB would store a view's whole buffer with it.
  const take = (n: number): Uint8Array<ArrayBuffer> => bytes.slice(at, (at += n))
  const batch: Batch = {
    expect: header.expect,
    meta: header.meta,
    clear: header.clear,
    chunks,
    journal: header.journal ? take(header.journal) : undefined,
    journalAt: header.journalAt,
    head: header.head ? take(header.head) : undefined,
    done: header.done,
  }
  if (at !== bytes.length) throw new RangeError(`batch: ${bytes.length} bytes, and its header tells of ${at}`)
  const lengths = chunks.map((chunk) => chunk.length)
  if (String(lengths) !== String(header.chunks)) throw new RangeError(`batch: chunks of ${lengths} bytes, and its header tells of ${header.chunks}`)
  return batch
}

/**
 * Takes a stored value for a StoredMeta only when the core would as well: anything may
 * have happened to it, and both must agree on whether something is stored.
 */
export function readMeta(value: unknown): StoredMeta | null {
  if (typeof value !== 'object' || value === null) return null
  const { epoch, cursor, generation, lowest, asOf, journal, clientId, chunks } = value as StoredMeta
  const texts = isText(epoch, MaxEpoch) && epoch !== '' && isText(clientId, MaxClientID)
  const numbers = [cursor, generation - 1, lowest, asOf, journal, chunks].every((n) => Number.isSafeInteger(n) && n >= 0)
  return texts && numbers ? { epoch, cursor, generation, lowest, asOf, journal, clientId, chunks } : null
}

/** Whether it is a string of at most so many bytes: a longer one would go to the server with each hello, and be refused. */
function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && new TextEncoder().encode(value).length <= most
}

/** Whether two records stand for the same stored state. */
export function sameMeta(a: Meta | null, b: Meta | null): boolean {
  if (!a || !b) return a === b
  return a.epoch === b.epoch && a.cursor === b.cursor && a.generation === b.generation
}
