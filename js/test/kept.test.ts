import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession } from '../src/api.js'
import { Kept } from '../src/kept.js'

const told = '{"sessionId":"bob","lastMsgType":1,"revokeNotification":{"message":{"uuid":"u","content":null}},'
  + '"recentSession":{"sessionId":"bob","lastMessageAttachment":[{"at":["a","b"]},1],"extension":{"__proto__":{"pinned":true},"list":[]}}}'
const plain = '{"sessionId":"carol","lastMsgType":0,"revokeNotification":null,"recentSession":{"sessionId":"carol"}}'

/** A keeper of both, as the sessions 7 and 8, and a list of what stands for the names. */
function filled(): { kept: Kept; list: (...names: (number | RecentSession)[]) => RecentSession[] } {
  const kept = new Kept()
  kept.add(7, JSON.parse(`[${told},${plain}]`))
  return {
    kept,
    list(...names) {
      kept.putIn(names)
      return names as RecentSession[]
    },
  }
}

/** The members of a session that are objects or arrays, as its type has them. */
type Trees = { [K in keyof RecentSession]-?: NonNullable<RecentSession[K]> extends object ? K : never }[keyof RecentSession]

test('the members that are copied deeply are all that the type has', () => {
  const trees: Record<Trees, true> = { recentSession: true, revokeNotification: true }
  const session = filled().list(7)[0]!
  assert.deepEqual(Object.keys(session).filter((name) => typeof session[name as keyof RecentSession] === 'object').sort(), Object.keys(trees).sort())
})

/** Every object and array of a tree of JSON. */
function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsIn)]
}

test('names become the sessions that were given under them, and sessions stay as they are', () => {
  const { list } = filled()
  const waiting = JSON.parse(plain) as RecentSession
  const got = list(8, waiting, 7)
  assert.deepEqual(got.map((session) => JSON.stringify(session)), [plain, plain, told])
  assert.equal(got[1], waiting)
})

test('two lists share no object, at any depth', () => {
  const { list } = filled()
  const [first, second] = [objectsIn(list(7, 8)), objectsIn(list(7, 8))]
  assert.equal(first.length, 13)
  assert.deepEqual(first.filter((object) => second.includes(object)), [])
})

test('what an app does to a list shows in no other', () => {
  const { list } = filled()
  for (const object of objectsIn(list(7, 8))) {
    for (const name of Object.keys(object)) (object as Record<string, unknown>)[name] = 'changed'
    if (Array.isArray(object)) object.push('more')
    else Object.assign(object, { more: true })
  }
  assert.deepEqual(list(7, 8).map((session) => JSON.stringify(session)), [told, plain])
})

test('a member named __proto__ is a member, and no prototype', () => {
  const [{ recentSession }] = filled().list(7) as [RecentSession]
  const extension = recentSession.extension as object
  assert.deepEqual(Object.keys(extension), ['__proto__', 'list'])
  assert.equal(Object.getPrototypeOf(extension), Object.prototype)
  assert.equal((extension as { pinned?: boolean }).pinned, undefined)
})

test('what was let go of is not kept', () => {
  const { kept, list } = filled()
  kept.clear()
  assert.throws(() => list(7), /^Error: session 7 is named, and not kept$/)
  kept.add(9, JSON.parse(`[${plain}]`))
  assert.deepEqual(list(9).map((session) => JSON.stringify(session)), [plain])
})
