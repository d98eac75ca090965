import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../src/log.js'
import { Broadcast } from '../src/stream.js'

function stream(): { events: Broadcast<number>; logged: string[] } {
  const logged: string[] = []
  const log: Log = (level, message) => void logged.push(`${level} ${message}`)
  return { events: new Broadcast<number>('onTest', log), logged }
}

test('every listener hears every event from when it listens until it cancels', () => {
  const { events } = stream()
  const heard: string[] = []
  const early = events.listen((n) => heard.push(`early ${n}`))
  events.emit(1)
  events.listen((n) => heard.push(`late ${n}`))
  events.emit(2)
  early.cancel()
  early.cancel()
  events.emit(3)
  assert.deepEqual(heard, ['early 1', 'early 2', 'late 2', 'late 3'])
})

test('a function that listens twice hears twice, and cancels one by one', () => {
  const { events } = stream()
  const heard: number[] = []
  const listener = (n: number): unknown => heard.push(n)
  const first = events.listen(listener)
  events.listen(listener)
  events.emit(1)
  first.cancel()
  events.emit(2)
  assert.deepEqual(heard, [1, 1, 2])
})

test('a listener that throws is logged and keeps the event from nobody', () => {
  const { events, logged } = stream()
  const heard: number[] = []
  events.listen(() => { throw new Error('mine') })
  events.listen((n) => heard.push(n))
  events.emit(1)
  assert.deepEqual(heard, [1])
  assert.deepEqual(logged, ['error onTest: a listener threw'])
})

test('what is cancelled or added by a listener counts at once, and for the next event', () => {
  const { events } = stream()
  const heard: string[] = []
  events.listen(() => {
    second.cancel()
    events.listen((n) => heard.push(`added ${n}`))
  })
  const second = events.listen((n) => heard.push(`second ${n}`))
  events.emit(1)
  assert.deepEqual(heard, [])
  events.emit(2)
  assert.deepEqual(heard, ['added 2'])
})

test('what is no function hears nothing, and is logged', () => {
  const { events, logged } = stream()
  events.listen(undefined as never).cancel()
  events.emit(1)
  assert.deepEqual(logged, ['error onTest.listen: the listener is a undefined'])
})

test('an iterator gets what came while it was busy, in order, and ends with the stream', async () => {
  const { events } = stream()
  const iterator = events[Symbol.asyncIterator]()
  events.emit(1)
  events.emit(2)
  const pending = [iterator.next(), iterator.next(), iterator.next()]
  events.emit(3)
  events.emit(4)
  events.end()
  assert.deepEqual(await Promise.all(pending), [1, 2, 3].map((value) => ({ done: false, value })))
  assert.deepEqual(await iterator.next(), { done: false, value: 4 })
  assert.deepEqual(await iterator.next(), { done: true, value: undefined })
  events.emit(5)
  for await (const _ of events) assert.fail('an ended stream has no events')
})

test('an iterator that waits ends with the stream, and by return', async () => {
  const { events } = stream()
  const ending = events[Symbol.asyncIterator]()
  const returning = events[Symbol.asyncIterator]()
  const waits = [ending.next(), returning.next()]
  await returning.return?.()
  events.emit(1)
  events.end()
  assert.deepEqual(await Promise.all(waits), [{ done: false, value: 1 }, { done: true, value: undefined }])
  assert.deepEqual(await returning.next(), { done: true, value: undefined })
})

test('an iterator that is 1,000 events behind ends, after those, and says so', async () => {
  const { events, logged } = stream()
  const iterator = events[Symbol.asyncIterator]()
  for (let n = 0; n < 1000; n++) events.emit(n)
  assert.deepEqual(logged, [])
  events.emit(1000)
  events.emit(1001)
  assert.deepEqual(logged, ['warn onTest: an iterator was ended, since 1000 events waited for it'])
  const got: number[] = []
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) got.push(next.value)
  assert.deepEqual(got, Array.from({ length: 1000 }, (_, n) => n))
})
