import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMessage } from '../src/tabs.js'

test('what a tab posts is read', () => {
  for (const kind of ['hello', 'changed', 'free', 'wiped'] as const) assert.deepEqual(readMessage({ v: 1, kind, more: 1 }), { kind })
  assert.deepEqual(readMessage({ v: 1, kind: 'leader', status: '{}', age: 0 }), { kind: 'leader', status: '{}', age: 0 })
  assert.deepEqual(readMessage({ v: 1, kind: 'refused', data: '{}' }), { kind: 'refused', data: '{}' })
})

test('what none posts is nothing', () => {
  const garbage: unknown[] = [
    undefined, null, 7, 'hello', [], {}, { kind: 'hello' }, { v: '1', kind: 'hello' }, { v: 2, kind: 'wiped' }, { v: 1, kind: 'toString' },
    { v: 1, kind: 'leader', status: '{}' }, { v: 1, kind: 'leader', status: {}, age: 0 }, { v: 1, kind: 'leader', status: '{}', age: -1 },
    { v: 1, kind: 'leader', status: '{}', age: NaN }, { v: 1, kind: 'refused', data: 7 },
  ]
  for (const data of garbage) assert.equal(readMessage(data), undefined, JSON.stringify(data))
})
