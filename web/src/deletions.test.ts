import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'
import type { NIMMySessionKey, RecentSession } from 'recents'
import { Deletions, grace } from './deletions'

const bob = { sessionId: 'bob', sessionType: 'p2p', updateTime: 5 } as RecentSession
const team = { sessionId: 'hikes', sessionType: 'team', updateTime: 6 } as RecentSession

/** A page's notebook that several pages of one test share. */
class Paper {
  readonly lines = new Map<string, string>()
  getItem = (name: string): string | null => this.lines.get(name) ?? null
  setItem = (name: string, text: string): void => void this.lines.set(name, text)
  removeItem = (name: string): void => void this.lines.delete(name)
}

/** Deletions on a service that says `code`, and everything that they did. */
function desk(paper = new Paper(), code = 0, held = new Map<string, number>()) {
  const did: string[] = []
  const result = { code, isSuccess: code === 0 || code === 202, errorDetails: '' }
  const service = {
    deleteMySession: async (keys: NIMMySessionKey[]) => {
      did.push(`call ${keys.map(({ sessionId, sessionType }) => `${sessionType}|${sessionId}`).join(' ')}`)
      return result
    },
    queryMySession: async (id: string) => ({ data: held.has(id) ? { updateTime: held.get(id) } : null }),
  }
  const deletions = new Deletions(service as never, paper, 'alice', {
    hidden: (key, on) => did.push(`${on ? 'hide' : 'show'} ${key}`),
    changed: (waiting) => did.push(`waiting ${waiting}`),
    deleted: (key) => did.push(`deleted ${key}`),
    refused: ({ code }) => did.push(`refused ${code}`),
  })
  return { deletions, did }
}

beforeEach(() => {
  mock.timers.reset()
  mock.timers.enable({ apis: ['setTimeout'] })
})

/** Lets what was called in the timer go on to its end. */
async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms)
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

test('nothing is called before the grace is over, then all that waits at once', async () => {
  const { deletions, did } = desk()
  deletions.add(bob)
  await pass(grace - 1)
  deletions.add(team)
  await pass(grace - 1)
  assert.deepEqual(did, ['hide p2p|bob', 'waiting 1', 'hide team|hikes', 'waiting 2'])
  await pass(1)
  assert.deepEqual(did.slice(4), ['waiting 0', 'call p2p|bob team|hikes', 'deleted p2p|bob', 'show p2p|bob', 'deleted team|hikes', 'show team|hikes'])
})

test('what is undone is never called', async () => {
  const { deletions, did } = desk()
  deletions.add(bob)
  assert.deepEqual(deletions.undo(), ['p2p|bob'])
  await pass(10 * grace)
  assert.deepEqual(did, ['hide p2p|bob', 'waiting 1', 'show p2p|bob', 'waiting 0'])
  assert.deepEqual(deletions.undo(), [])
})

test('the clock stands while somebody looks at the way back', async () => {
  const { deletions, did } = desk()
  deletions.add(bob)
  deletions.pause()
  await pass(10 * grace)
  assert.equal(did.length, 2)
  deletions.resume()
  await pass(grace)
  assert.ok(did.includes('call p2p|bob'))
})

test('a message that arrives brings its session back, an older one does not', async () => {
  const { deletions, did } = desk()
  deletions.add(bob)
  deletions.arrived({ ...bob, ext: 'x' })
  deletions.arrived({ ...bob, updateTime: 9 })
  await pass(grace)
  assert.deepEqual(did, ['hide p2p|bob', 'waiting 1', 'show p2p|bob', 'waiting 0'])
})

test('a refusal brings it back and says why', async () => {
  const { deletions, did } = desk(new Paper(), 503)
  deletions.add(bob)
  await pass(grace)
  assert.deepEqual(did.slice(2), ['waiting 0', 'call p2p|bob', 'show p2p|bob', 'refused 503'])
})

test('a write that is queued counts as deleted', async () => {
  const { deletions, did } = desk(new Paper(), 202)
  deletions.add(bob)
  await pass(grace)
  assert.ok(did.includes('deleted p2p|bob'))
})

test('a page that was reloaded deletes what the one before had not, unless a message came since', async () => {
  const paper = new Paper()
  const before = desk(paper).deletions
  before.add(bob)
  before.add(team)
  const { deletions, did } = desk(paper, 0, new Map([['bob', 5], ['hikes', 7]]))
  await deletions.recover()
  assert.deepEqual(did, ['call p2p|bob', 'deleted p2p|bob'])
  assert.equal(paper.lines.size, 0)
})

test('what stands in the notebook and is not ours is nothing', async () => {
  const paper = new Paper()
  for (const text of ['{', 'null', '7', '{"a":1}']) {
    paper.setItem('alice', text)
    const { deletions, did } = desk(paper)
    await deletions.recover()
    assert.deepEqual(did, [], text)
  }
})

test('the hundred-and-first goes in a call of its own', async () => {
  const { deletions, did } = desk()
  for (let i = 0; i < 101; i++) deletions.add({ ...bob, sessionId: `friend-${i}` })
  await pass(grace)
  const calls = did.filter((line) => line.startsWith('call')).map((line) => line.split(' ').length - 1)
  assert.deepEqual(calls, [100, 1])
})
