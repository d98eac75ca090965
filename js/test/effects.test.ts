import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeEffects, sessionsIn, textIn } from '../src/effects.js'
import { FrameSeparator, FxStatus, FxUpdates } from '../src/wire.gen.js'

const encoder = new TextEncoder()

/** What the core gives the shell: an array, and the texts that it lacks. */
function given(array: unknown[], ...texts: string[]): Uint8Array<ArrayBuffer> {
  return encoder.encode([JSON.stringify(array), ...texts].join(String.fromCharCode(FrameSeparator)))
}

test('a last message that stands behind the array comes to its session, as it is', () => {
  const first = '{"content":"a \\"quote\\", \\u0041 and 周末去爬山吗"}'
  const second = '{ "spaces" : "stay",\n"content":"😀"}'
  const sessions = sessionsIn(given([{ sessionId: 'bob', lastMsg: 0 }, { sessionId: 'carol', lastMsg: 0, lastMsgType: 0 }], first, second))
  assert.deepEqual(sessions, [{ sessionId: 'bob', lastMsg: first }, { sessionId: 'carol', lastMsg: second, lastMsgType: 0 }])
})

test('a session that has no last message, or has it where it belongs, takes none', () => {
  const revoked = { sessionId: 'bob', lastMsgType: 1 }
  const waiting = { sessionId: 'carol', lastMsg: '{"content":"c"}' }
  const sessions = sessionsIn(given([revoked, waiting, { sessionId: 'dave', lastMsg: 0 }, revoked], '{"content":"d"}'))
  assert.deepEqual(sessions, [revoked, waiting, { sessionId: 'dave', lastMsg: '{"content":"d"}' }, revoked])
  assert.deepEqual(sessionsIn(given([waiting])), [waiting])
  assert.deepEqual(sessionsIn(given([])), [])
})

/** One effect, as wasm/browser encodes it. */
function encoded(kind: number, id: number, path: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const name = encoder.encode(path)
  const bytes = new Uint8Array(25 + name.length + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, kind)
  view.setFloat64(1, id, true)
  view.setUint32(17, name.length, true)
  view.setUint32(21, data.length, true)
  bytes.set(name, 25)
  bytes.set(data, 25 + name.length)
  return bytes
}

test('effects are read where they stand, in the midst of a memory', () => {
  const one = encoded(FxUpdates, 2 ** 40, '', given([{ sessionId: 'bob', lastMsg: 0 }], '{}'))
  const two = encoded(FxStatus, -1, '/v1/sync', encoder.encode('{"é":1}'))
  const memory = new Uint8Array(7 + one.length + two.length + 9).fill(0xff)
  memory.set(one, 7)
  memory.set(two, 7 + one.length)
  const effects = decodeEffects(memory.subarray(7, 7 + one.length + two.length))
  assert.deepEqual(effects.map(({ kind, id, path }) => [kind, id, path]), [[FxUpdates, 2 ** 40, ''], [FxStatus, -1, '/v1/sync']])
  assert.deepEqual(sessionsIn(effects[0]!.data), [{ sessionId: 'bob', lastMsg: '{}' }])
  assert.equal(textIn(effects[1]!.data), '{"é":1}')
  assert.equal(effects[1]!.data.buffer, memory.buffer, 'nothing is copied')
})
