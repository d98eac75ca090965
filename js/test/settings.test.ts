import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../src/index.js'
import { readSettings } from '../src/settings.js'

const good = { url: 'https://im.example.com', account: 'alice', token: 'a.b-c_d' }

test('options get their defaults', () => {
  const { log, ...rest } = readSettings(good)
  assert.equal(typeof log, 'function')
  assert.deepEqual(rest, {
    url: 'https://im.example.com', account: 'alice', token: 'a.b-c_d',
    storage: true, maxCached: 10_000, echoOwn: false, reject: false, key: undefined, wasmUrl: undefined,
  })
  assert.equal(readSettings({ ...good, offlineWrites: 'reject' }).reject, true)
  assert.equal(readSettings({ ...good, offlineWrites: 'queue' }).reject, false)
})

test('the url keeps its path and loses its last slash', () => {
  for (const [given, url] of [
    ['https://im.example.com/', 'https://im.example.com'],
    ['http://127.0.0.1:8787/im/v2//?x=1#y', 'http://127.0.0.1:8787/im/v2'],
    [new URL('http://host/a'), 'http://host/a'],
  ] as const) {
    assert.equal(readSettings({ ...good, url: given }).url, url)
  }
})

const badOptions: [details: string, options: unknown][] = [
  ['options: is not an object', undefined],
  ['options: is not an object', 'https://im.example.com'],
  ['url: is missing, not a string', {}],
  ['url: "im.example.com" is not an absolute URL', { ...good, url: 'im.example.com' }],
  ['url: "ftp:" is not http: or https:', { ...good, url: 'ftp://im.example.com' }],
  ['url: holds a user name or a password', { ...good, url: 'https://me:secret@im.example.com' }],
  ['account: is missing, not a string', { ...good, account: undefined }],
  ['account: is empty', { ...good, account: '' }],
  ['account: 66 bytes is over 64', { ...good, account: 'ü'.repeat(33) }],
  ['account: holds a control character', { ...good, account: 'a\u0085' }],
  ['account: holds a lone surrogate', { ...good, account: '\ud800' }],
  ['account: "a/b" holds /', { ...good, account: 'a/b' }],
  ['token: is missing, not a string or a function', { ...good, token: undefined }],
  ['token: is empty', { ...good, token: '' }],
  ['token: holds a character that no JWT has', { ...good, token: 'a b' }],
  ['storage: "disk" is not one of indexeddb, memory', { ...good, storage: 'disk' }],
  ['offlineWrites: null is not one of queue, reject', { ...good, offlineWrites: null }],
  ['maxCachedSessions: 99 is not within 100 and 1000000', { ...good, maxCachedSessions: 99 }],
  ['maxCachedSessions: NaN is not a whole number', { ...good, maxCachedSessions: NaN }],
  ['echoOwnUpdates: 1 is not true or false', { ...good, echoOwnUpdates: 1 }],
  ['encryptionKey: is not an AES-GCM CryptoKey that may encrypt and decrypt', { ...good, encryptionKey: 'key' }],
  ['wasmUrl: is 5, not a URL', { ...good, wasmUrl: 5 }],
  ['logger: is not an object', { ...good, logger: 'console' }],
  ['url: cannot be read', { get url(): never { throw new Error('mine') } }],
]

test('connect throws nothing: a bad option is what every call says', async () => {
  for (const [details, options] of badOptions) {
    const client = connect(options as never)
    assert.equal(await client.ready, details)
    assert.deepEqual([client.status.connection, client.status.lastError], ['closed', details])
    for (const result of [
      await client.messageService.queryMySessionList(),
      await client.messageService.queryMySession('bob', 'p2p'),
      await client.messageService.updateMySession('bob', 'p2p', ''),
      await client.messageService.deleteMySession([]),
    ]) {
      assert.deepEqual([result.code, result.data, result.errorDetails, result.isSuccess], [414, null, details, false])
    }
    for await (const _ of client.onStatus) assert.fail('a refused client has no events')
    await client.close()
    await client.logout({ wipe: true })
  }
})
