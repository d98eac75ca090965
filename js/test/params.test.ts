import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deleteCall, getCall, listCall, updateCall } from '../src/params.js'
import { Refusal } from '../src/result.js'

const throwing = (member: string): object => Object.defineProperty({}, member, { get: () => { throw new Error('mine') } })
const hostile = new Proxy({}, { get: () => { throw new Error('mine') } })
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable([], {})
  revoke()
  return proxy
}
const cyclic: unknown[] = []
cyclic.push(cyclic)

test('the body holds what was given, in order, and leaves out what was not', () => {
  for (const [body, call] of [
    ['{}', listCall([])],
    ['{}', listCall([undefined, undefined])],
    ['{"minTimestamp":0,"maxTimestamp":0,"needLastMsg":1,"limit":100,"hasMore":0}', listCall([0, 0, 1, 100, 0])],
    ['{"needLastMsg":false,"limit":20}', listCall([{ limit: 20, needLastMsg: false, other: hostile }])],
    ['{"limit":"5"}', listCall([{ limit: '5' }])],
    ['{"limit":null}', listCall([{ limit: null }])],
    ['{"maxTimestamp":9007199254740992}', listCall([undefined, 2 ** 53 + 1])],
    ['{"minTimestamp":0}', listCall([-0])],
    ['{"limit":{}}', listCall([{ limit: {} }])],
    ['{"sessionId":"p2p|bob"}', getCall(['p2p|bob'])],
    ['{"sessionId":"\\"\\u0000ü😀","sessionType":5}', getCall(['"\0ü😀', 5])],
    ['{"sessionId":"bob","sessionType":"p2p","ext":{"pinned":true}}', updateCall(['bob', 'p2p', { pinned: true }])],
    ['{"sessionId":"bob","sessionType":"p2p","ext":null}', updateCall(['bob', 'p2p', NaN])],
    ['{}', deleteCall([])],
    ['{"sessionList":[]}', deleteCall([[]])],
    ['{"sessionList":"bob"}', deleteCall(['bob'])],
    ['{"sessionList":[{"sessionId":"bob","sessionType":"p2p"},null,{},3]}', deleteCall([[{ sessionId: 'bob', sessionType: 'p2p', x: hostile }, undefined, {}, 3]])],
  ] as const) {
    assert.equal(call.body, body)
  }
})

test('the last place may hold a signal', () => {
  const { signal } = new AbortController()
  for (const call of [
    listCall([{ limit: 5, signal }]),
    listCall([{ limit: 5 }, { signal }]),
    listCall([{ limit: 5, signal }, undefined]),
    listCall([undefined, undefined, undefined, 5, undefined, { signal }]),
    listCall([undefined, undefined, undefined, 5, { signal }]),
  ]) {
    assert.equal(call.signal, signal)
    assert.equal(call.body, '{"limit":5}')
  }
  assert.equal(listCall([{ signal }]).body, '{}')
  assert.equal(getCall(['team|t', { signal }]).signal, signal)
  assert.equal(getCall(['team|t', undefined, { signal }]).signal, signal)
  assert.equal(updateCall(['a', 'p2p', '', { signal }]).signal, signal)
  assert.equal(deleteCall([[], { signal }]).signal, signal)
  assert.equal(deleteCall([[], {}]).signal, undefined)
  assert.equal(deleteCall([[], null]).signal, undefined)
})

test('what JSON cannot carry is refused by its name', () => {
  for (const [details, call] of [
    ['limit: NaN is not a number', () => listCall([0, 0, 1, NaN])],
    ['minTimestamp: -Infinity is not a number', () => listCall([-Infinity])],
    ['limit: is a bigint', () => listCall([0, 0, 1, 5n])],
    ['limit: is a symbol', () => listCall([0, 0, 1, Symbol()])],
    ['limit: is a function', () => listCall([0, 0, 1, () => 5])],
    ['limit: cannot be read', () => listCall([throwing('limit')])],
    ['minTimestamp: cannot be read', () => listCall([hostile])],
    ['limit: cannot be written as JSON', () => listCall([0, 0, 1, { n: 5n }])],
    ['sessionId: holds a lone surrogate', () => getCall(['a\ud800'])],
    ['sessionId: cannot be written as JSON', () => getCall([cyclic])],
    ['sessionId: cannot be written as JSON', () => getCall([throwing('toJSON')])],
    ['ext: holds a lone surrogate', () => updateCall(['a', 'p2p', '\udc00'])],
    ['ext: cannot be written as JSON', () => updateCall(['a', 'p2p', revoked()])],
    ['sessionList: 101 keys is not within 1 and 100', () => deleteCall([new Array(101).fill({})])],
    ['sessionList: 4294967295 keys is not within 1 and 100', () => deleteCall([new Array(2 ** 32 - 1)])],
    ['sessionList: 1: sessionId: holds a lone surrogate', () => deleteCall([[{}, { sessionId: '\ud800' }]])],
    ['sessionList: 0: is a bigint', () => deleteCall([[1n]])],
    ['sessionId: cannot be read', () => deleteCall([[throwing('sessionId')]])],
    ['sessionList: cannot be written as JSON', () => deleteCall([revoked()])],
    ['signal: is not an AbortSignal', () => getCall(['a', 'p2p', { signal: {} }])],
    ['signal: is not an AbortSignal', () => getCall(['a', 'p2p', { signal: 5 }])],
    ['signal: is not an AbortSignal', () => getCall(['a', 'p2p', { signal: { aborted: false, addEventListener() {} } }])],
    ['signal: cannot be read', () => getCall(['a', 'p2p', throwing('signal')])],
    ['sessionType: cannot be written as JSON', () => getCall(['a', new Proxy({}, { has: () => { throw new Error('mine') }, get: () => { throw new Error('mine') } })])],
  ] as const) {
    assert.throws(call, (error) => error instanceof Refusal && error.code === 414 && error.message === details, details)
  }
})

test('a body that would only swell the core is refused before it', () => {
  assert.equal(updateCall(['a', 'p2p', 'x'.repeat(70_000)]).body.length, 70_046) // the core says what is too long
  assert.throws(
    () => updateCall(['a', 'p2p', 'x'.repeat(2 ** 20)]),
    (error) => error instanceof Refusal && error.code === 413 && error.message === 'body: 1048622 characters is over 65536',
  )
})

test('the newest sessions, and nothing else, are to be had without the core', () => {
  for (const [newest, args] of [
    [100, []],
    [100, [0, 0, 1, 100, 0]],
    [1, [{ limit: 1, needLastMsg: true, hasMore: false }]],
    [undefined, [1]],
    [undefined, [0, 5]],
    [undefined, [0, 0, 0]],
    [undefined, [0, 0, 1, 0]],
    [undefined, [0, 0, 1, 101]],
    [undefined, [0, 0, 1, 1.5]],
    [undefined, [0, 0, 1, '5']],
    [undefined, [0, 0, 1, 5, 2]],
    [undefined, [null]],
  ] as const) {
    assert.equal(listCall(args).newest, newest, JSON.stringify(args))
  }
})
