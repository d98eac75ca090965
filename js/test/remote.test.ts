import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { Remote, retryAfter } from '../src/remote.js'
import { databaseName } from '../src/store.js'
import { accountOf, NoToken, TokenSource } from '../src/token.js'

const seen: { method?: string; url?: string; authorization?: string; cookie?: string; body: string }[] = []
let respond: (response: ServerResponse, request: IncomingMessage) => void
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  const { authorization, cookie } = request.headers
  seen.push({ method: request.method!, url: request.url!, authorization: authorization!, cookie: cookie!, body })
  respond(response, request)
})
let url: string
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  server.close()
  server.closeAllConnections()
})

const never = new AbortController().signal
const bodyOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

test('a request carries the token and nothing else of the page', async () => {
  respond = (response) => response.writeHead(429, { 'Retry-After': '3' }).end('{"code":416}')
  const answer = await new Remote(`${url}/im`, 'alice', 'tok').post('/v1/sync', '{"v":1}', false, never)
  assert.deepEqual(seen.pop(), { method: 'POST', url: '/im/v1/sync', authorization: 'Bearer tok', cookie: undefined, body: '{"v":1}' })
  assert.deepEqual([answer.status, answer.after, bodyOf(answer.body)], [429, 3000, '{"code":416}'])
})

test('no answer is status 0: a dead server, a redirect, an aborted request, half a body', async () => {
  const remote = new Remote(url, 'alice', 'tok')
  assert.equal((await new Remote('http://127.0.0.1:1', 'alice', 'tok').post('/', '{}', false, never)).status, 0)

  respond = (response, { url }) => void (url === '/elsewhere' ? response.end('{}') : response.writeHead(307, { Location: '/elsewhere' }).end())
  assert.equal((await remote.post('/', '{}', false, never)).status, 0)

  respond = (response) => {
    response.writeHead(200, { 'Content-Length': '100' }).write('half')
    setImmediate(() => response.destroy())
  }
  assert.equal((await remote.post('/', '{}', false, never)).status, 0)

  const gone = new AbortController()
  respond = () => gone.abort()
  assert.equal((await remote.post('/', '{}', false, gone.signal)).status, 0)
  assert.equal((await remote.post('/', '{}', false, gone.signal)).status, 0, 'aborted before')
})

test('a token that is refused by the app is the answer to a bad token, and never quoted', async () => {
  for (const [source, details] of [
    [() => { throw new Error('secret') }, 'token: the function failed'],
    [async () => { throw 'secret' }, 'token: the function failed'],
    [() => 5, "token: the function's answer is 5, not a string"],
    [() => 'se cret', "token: the function's answer holds a character that no JWT has"],
  ] as const) {
    const answer = await new Remote(url, 'alice', source).post('/v1/sync', '{}', false, never)
    assert.equal(answer.status, 401)
    assert.deepEqual(JSON.parse(bodyOf(answer.body)), { code: 302, errorDetails: details })
  }
})

test('a token that cannot be fetched is no answer', async () => {
  const answer = await new Remote(url, 'alice', () => fetch('http://127.0.0.1:1')).post('/v1/sync', '{}', false, never)
  assert.equal(answer.status, 0)
})

test('the token function is called once for all who wait, and again only for a new one', async () => {
  let calls = 0
  const source = new TokenSource(async () => `token${++calls}`, 'alice')
  assert.deepEqual(await Promise.all([source.get(false), source.get(true), source.get(false)]), ['token1', 'token1', 'token1'])
  assert.equal(await source.get(false), 'token1')
  assert.deepEqual(await Promise.all([source.get(true), source.get(true)]), ['token2', 'token2'])
  assert.equal(await source.get(false), 'token2')
})

test('a token function that failed is asked again', async () => {
  let calls = 0
  const source = new TokenSource(() => {
    if (++calls === 1) throw new Error('not yet')
    return 'tok'
  }, 'alice')
  await assert.rejects(source.get(false), NoToken)
  assert.equal(await source.get(false), 'tok')
  assert.equal(await new TokenSource('static', 'alice').get(true), 'static')
})

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2024-01-01T00:00:00Z')
  for (const [header, ms] of [
    [null, 0], ['', 0], ['0', 0], ['120', 120_000], [' 5 ', 5000], ['-5', 0], ['1.5', 0], ['soon', 0], ['99999999999', 0],
    ['Mon, 01 Jan 2024 00:00:30 GMT', 30_000], ['Sun, 31 Dec 2023 23:59:00 GMT', 0],
  ] as const) {
    assert.equal(retryAfter(header, now), ms, String(header))
  }
})

test('a database is named by the hash of its owner', () => {
  // FNV-1a's published vectors: "" and "foobar".
  assert.equal(databaseName(''), 'recents.1.cbf29ce484222325')
  assert.equal(databaseName('foobar'), 'recents.1.85944171f73967e8')
  assert.notEqual(databaseName('https://a\nbob'), databaseName('https://b\nbob'))
})

test('a token of another account is none', async () => {
  const jwt = (sub: unknown): string => `e30.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.sig`
  assert.equal(accountOf(jwt('小明 😀?>')), '小明 😀?>')
  assert.equal(accountOf('opaque'), undefined)
  for (const mine of [jwt('alice'), jwt(undefined), 'opaque', 'a.b.c']) assert.equal(await new TokenSource(mine, 'alice').get(false), mine)
  for (const other of [jwt('bob'), jwt(5), jwt(null)]) {
    await assert.rejects(new TokenSource(other, 'alice').get(false), /^Error: token: is of another account$/)
    await assert.rejects(new TokenSource(() => other, 'alice').get(true), /^Error: token: is of another account$/)
  }
})
