import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHead } from '../src/boot.js'

const sessions = [3, 2, 1].map((n) => ({ sessionId: `s${n}`, updateTime: n * 10, recentSession: {} }))
const head = (change: object = {}): string =>
  JSON.stringify({ data: { hasMore: false, sessionList: sessions, nextMaxTimestamp: 0 }, asOf: 99, complete: true, ...change })

test('the stored page is a cached answer', () => {
  assert.deepEqual(fromHead(head(), 100), {
    code: 0, data: { hasMore: false, sessionList: sessions, nextMaxTimestamp: 0 }, errorDetails: '', isSuccess: true,
    source: 'cache', fresh: false, complete: true, asOf: 99, pending: false,
  })
})

test('a shorter page of it says that there is more, and where', () => {
  const result = fromHead(head({ complete: false }), 2)
  assert.deepEqual(result?.data, { hasMore: true, sessionList: sessions.slice(0, 2), nextMaxTimestamp: 19 })
  assert.equal(result?.complete, true, 'so far down the cache reaches')
  assert.equal(fromHead(head({ complete: false }), 3)?.complete, false)
  assert.equal(fromHead(head(), 3)?.data?.hasMore, false)
})

test('what is no stored page is none', () => {
  const list = (change: object): string => head({ data: { hasMore: false, sessionList: sessions, nextMaxTimestamp: 0, ...change } })
  for (const text of [
    '', 'null', '5', '[]', '{"data"', '<!doctype html>', head({ data: null }), head({ asOf: '99' }), list({ hasMore: 1 }),
    list({ sessionList: {} }), list({ sessionList: [null] }), list({ sessionList: [{ sessionId: 5, updateTime: 1, recentSession: {} }] }),
    list({ nextMaxTimestamp: null }),
  ]) {
    assert.equal(fromHead(text, 100), undefined, text)
  }
})
