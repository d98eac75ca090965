import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Burst } from '../src/burst.js'
import { nextTask } from '../src/page.js'

function burst(): { frames: Burst; taken: string[] } {
  const taken: string[] = []
  return { frames: new Burst((text) => taken.push(text.replaceAll('\u001e', '|'))), taken }
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

test('whatever must not overtake them has them handed over before', async () => {
  const { frames, taken } = burst()
  frames.flush()
  for (const frame of ['a', 'b']) frames.add(frame)
  frames.flush()
  frames.add('c')
  assert.deepEqual(taken, ['a', 'b'])
  await tasks()
  assert.deepEqual(taken, ['a', 'b', 'c'])
})

test('a long burst is handed over in parts', async () => {
  const { frames, taken } = burst()
  const frame = 'x'.repeat(10_000)
  for (let n = 0; n < 9; n++) frames.add(frame)
  assert.deepEqual(taken.map((text) => text.length), [10_000, 40_003, 40_003])
  await tasks()
  assert.equal(taken.length, 3)
})
