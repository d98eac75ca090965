import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { electionOf } from '../src/election.js'
import type { Leader, Store } from '../src/store.js'

/** The part of storage that says which tab leads. A full one can be read, and takes nothing. */
class FakeStore {
  readonly name = 'recents'
  term = 0
  stored: Leader | undefined
  readonly #full: boolean

  constructor(stored: Leader | undefined, full: boolean) {
    this.stored = stored
    this.#full = full
  }

  async lead(change: (stored: Leader | undefined) => Leader | undefined): Promise<Leader | undefined> {
    const changed = change(this.stored)
    if (changed && this.#full) return undefined
    return (this.stored = changed ?? this.stored)
  }
}

/** Enters the election of a browser with these locks. Resolves with what becomes of this tab first. */
function elected(t: TestContext, store: FakeStore, locks: unknown): Promise<boolean> {
  const known = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true })
  return new Promise((resolve) => {
    const election = electionOf(store as unknown as Store, resolve)
    election.enter()
    t.after(() => {
      election.leave()
      Reflect.deleteProperty(globalThis, 'navigator')
      if (known) Object.defineProperty(globalThis, 'navigator', known)
    })
  })
}

const free = { request: (_: string, __: object, hold: () => Promise<void>): Promise<void> => hold() }
const none = { request: () => Promise.reject(new DOMException('', 'SecurityError')) }
const before: Leader = { term: 7, id: 'before', until: 0 }

for (const [browser, locks] of [['with a lock', free], ['of a browser that refuses locks', none], ['by a lease', undefined]] as const) {
  test(`the leader ${browser} has a term of its own`, async (t) => {
    const store = new FakeStore(before, false)
    assert.equal(await elected(t, store, locks), true)
    assert.deepEqual([store.term, store.stored?.term], [8, 8])
  })

  test(`the leader ${browser} is not taken for an older one where the disk is full`, async (t) => {
    const store = new FakeStore(before, true)
    assert.equal(await elected(t, store, locks), true)
    assert.deepEqual([store.term, store.stored], [7, before])
  })

  test(`there is a leader ${browser} where the disk was full from the beginning`, async (t) => {
    const store = new FakeStore(undefined, true)
    assert.equal(await elected(t, store, locks), true)
    assert.equal(store.term, 0)
  })
}
