import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Burst } from '../src/burst.js'
import { nextTask } from '../src/page.js'

function burst(drown = (): void => assert.fail('it drowned')): { frames: Burst; taken: string[]; core: { busy: boolean } } {
  const taken: string[] = []
  const core = { busy: false }
  return { frames: new Burst((text) => taken.push(text.replaceAll('\u001e', '|')), () => core.busy, drown), taken, core }
}

/** Until all that was gathered is handed over. */
async function tasks(): Promise<void> {
  for (let n = 0; n < 5; n++) await nextTask()
}

test('a frame that comes alone is handed over at once', async () => {
  const { frames, taken } = burst()
  frames.add('a')
  assert.deepEqual(taken, ['a'])
  await tasks()
  frames.add('b')
  assert.deepEqual(taken, ['a', 'b'])
})

test('frames that follow in the same task are handed over as one, in their order', async () => {
  const { frames, taken } = burst()
  for (const frame of ['a', 'b', 'c']) frames.add(frame)
  assert.deepEqual(taken, ['a'])
  await tasks()
  assert.deepEqual(taken, ['a', 'b|c'])
  frames.add('d')
  assert.deepEqual(taken, ['a', 'b|c', 'd'], 'the burst is over')
})

test('those that wait are handed over when the socket is gone', async () => {
  const { frames, taken } = burst()
  frames.flush()
  for (const frame of ['a', 'b', 'c']) frames.add(frame)
  frames.flush()
  assert.deepEqual(taken, ['a', 'b|c'])
  await tasks()
  assert.deepEqual(taken, ['a', 'b|c'])
})

test('a long burst is handed over in parts, each in a task of its own', async () => {
  const { frames, taken } = burst()
  const frame = 'x'.repeat(10_000)
  for (let n = 0; n < 9; n++) frames.add(frame)
  const lengths: number[] = []
  for (let task = 0; task < 6; task++) {
    lengths.push(taken.splice(0).join('/').length)
    await nextTask()
  }
  assert.deepEqual(lengths, [10_000, 30_002, 30_002, 20_001, 0, 0])
})

test('while the core is busy frames wait, the first one as well', async () => {
  const { frames, taken, core } = burst()
  core.busy = true
  frames.add('a')
  await tasks()
  frames.add('b')
  await tasks()
  assert.deepEqual(taken, [])
  core.busy = false
  await tasks()
  assert.deepEqual(taken, ['a|b'])
})

test('what waits is bounded: when too much came, it is dropped, once', async () => {
  let drowned = 0
  const { frames, taken, core } = burst(() => drowned++)
  core.busy = true
  const frame = 'x'.repeat(1 << 20)
  for (let n = 0; n < 8; n++) frames.add(frame)
  assert.equal(drowned, 0)
  frames.add('y')
  assert.equal(drowned, 1)
  core.busy = false
  frames.flush()
  await tasks()
  assert.deepEqual(taken, [])
})

test('what was handed over does not count as waiting', async () => {
  const { frames } = burst()
  const frame = 'x'.repeat(1 << 20)
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 6; n++) frames.add(frame)
    if (round % 2) frames.flush()
    for (let n = 0; n < 10; n++) await nextTask()
  }
})

test('frames are handed over where there is no MessageChannel, too', async (t) => {
  const { MessageChannel } = globalThis
  t.after(() => Object.assign(globalThis, { MessageChannel }))
  Reflect.deleteProperty(globalThis, 'MessageChannel')
  const { frames, taken } = burst()
  for (const frame of ['a', 'b', 'c']) frames.add(frame)
  await tasks()
  frames.add('d')
  assert.deepEqual(taken, ['a', 'b|c', 'd'])
})
