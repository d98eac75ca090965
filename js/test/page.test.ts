import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextTask } from '../src/page.js'

test('those that wait for the next task go on in their order, each in a task of its own', async () => {
  const seen: string[] = []
  const wait = async (name: string): Promise<void> => {
    await nextTask()
    seen.push(name)
    await undefined
    seen.push(`${name} goes on`)
  }
  await Promise.all(['a', 'b', 'c'].map(wait))
  assert.deepEqual(seen, ['a', 'a goes on', 'b', 'b goes on', 'c', 'c goes on'])
})

test('Node may end when nobody waits', async () => {
  const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
  const waiting = nextTask()
  assert.equal(ports(), 1)
  await waiting
  assert.equal(ports(), 0)
})
