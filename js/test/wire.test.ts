import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeBatch, readMeta, sameMeta, type Meta } from '../src/batch.js'
import { decodeEffects, textIn } from '../src/effects.js'

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

const meta: Meta = { epoch: 'e', cursor: 5, generation: 2, lowest: 0, asOf: 7, journal: 3, clientId: 'c' }

/** Encodes a batch as replica.Batch does. */
function encode(header: object, ...blobs: string[]): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header))
  const length = new Uint8Array(new Uint32Array([json.length]).buffer)
  return new Uint8Array([...length, ...json, ...new TextEncoder().encode(blobs.join(''))])
}

test('the effects of one event are read as wasm/browser encodes them', () => {
  // The bytes that wasm/browser's TestEffectsAreOneBuffer holds the encoder to.
  const hex =
    '05 0000000000000840 000000000000f03f 08000000 02000000 2f76312f73796e63 7b7d' +
    '0a 000000000000f0bf 0000000000000000 00000000 00000000' +
    '09 ffffffffffff3f43 00000000004ced40 00000000 00000000'
  const effects = decodeEffects(new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex')))
  assert.deepEqual(
    effects.map((e) => [e.kind, e.id, e.code, e.path, textIn(e.data)]),
    [
      [5, 3, 1, '/v1/sync', '{}'],
      [10, -1, 0, '', ''],
      [9, 2 ** 53 - 1, 60000, '', ''],
    ],
  )
  assert.deepEqual(decodeEffects(new Uint8Array()), [])
})

test('a batch is read back blob by blob', () => {
  const bytes = encode({ expect: meta, meta: { ...meta, cursor: 6 }, clear: true, chunks: [3, 2], journal: 4, journalAt: 9, head: 1 }, 'fghi', 'j')
  const shifted = new Uint8Array([0, 0, 0, ...bytes]).subarray(3) // as it stands among other effects
  const batch = decodeBatch(shifted, ['abc', 'de'].map(bytesOf))
  assert.deepEqual([batch.expect, batch.meta.cursor, batch.clear, batch.journalAt], [meta, 6, true, 9])
  assert.deepEqual([...batch.chunks, batch.journal!, batch.head!].map(textIn), ['abc', 'de', 'fghi', 'j'])
  for (const blob of [batch.journal!, batch.head!]) {
    assert.equal(blob.buffer.byteLength, blob.length, 'nothing else is stored with it')
  }
})

test('a batch of rows alone has no head and no journal', () => {
  const batch = decodeBatch(encode({ expect: null, meta, clear: false, chunks: [], journal: 0, journalAt: -1, head: 0 }), [])
  assert.deepEqual([batch.expect, batch.chunks, batch.journal, batch.head], [null, [], undefined, undefined])
})

test('a batch whose lengths do not add up is refused', () => {
  const header = { expect: null, meta, clear: false, chunks: [3], journal: 0, journalAt: -1, head: 3 }
  assert.throws(() => decodeBatch(encode(header, 'ab'), [bytesOf('abc')]), RangeError)
  assert.throws(() => decodeBatch(encode(header, 'abcd'), [bytesOf('abc')]), RangeError)
  for (const chunks of [[], ['ab'], ['abc', 'd']]) assert.throws(() => decodeBatch(encode(header, 'abc'), chunks.map(bytesOf)), /chunks of/)
})

test('a stored meta is believed only when it is one', () => {
  const stored = { ...meta, chunks: 4 }
  assert.deepEqual(readMeta({ ...stored, other: 1 }), stored)
  for (const value of [
    undefined, null, 5, 'e', [], {},
    meta,
    { ...stored, epoch: '' }, { ...stored, epoch: 5 }, { ...stored, cursor: -1 }, { ...stored, cursor: '5' }, { ...stored, cursor: 5n }, { ...stored, chunks: -1 },
    { ...stored, generation: 0 }, { ...stored, lowest: NaN }, { ...stored, asOf: 1.5 }, { ...stored, journal: 2 ** 53 }, { ...stored, clientId: null },
    { ...stored, epoch: 'e'.repeat(65) }, { ...stored, epoch: 'é'.repeat(33) }, { ...stored, clientId: 'c'.repeat(65) },
  ]) {
    assert.equal(readMeta(value), null, String(value))
  }
})

test('the same stored state is that of one epoch, cursor and generation', () => {
  assert.ok(sameMeta(meta, { ...meta, asOf: 9, clientId: 'another tab' }))
  assert.ok(sameMeta(null, null))
  for (const other of [null, { ...meta, epoch: 'f' }, { ...meta, cursor: 6 }, { ...meta, generation: 3 }]) {
    assert.ok(!sameMeta(meta, other))
    assert.ok(!sameMeta(other, meta))
  }
})
