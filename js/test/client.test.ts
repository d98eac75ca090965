import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, mock, test, type TestContext } from 'node:test'
import type { Client } from '../src/api.js'
import { connect } from '../src/index.js'

let asked = 0
let held = 0
let programs = 0 // each with an address of its own: clients share one
const host = createServer(({ url }, response) => {
  if (url?.startsWith('/held')) return void held++ // for ever, as where a connection leads nowhere
  asked++
  response.writeHead(404).end()
})
before(() => new Promise<void>((resolve) => void host.listen(0, '127.0.0.1', resolve)))
after(() => {
  host.close()
  host.closeAllConnections()
})

/** Lets what is under way go on until `done`: timers stand still, the network does not. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve))
}

test('a core that cannot be had is tried again by itself, ever more rarely, and no more once the client is closed', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const told: string[] = []
    const origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
    const client = connect({
      url: origin, account: 'alice', token: 'tok', storage: 'memory', wasmUrl: `${origin}/recents.wasm`,
      logger: { error: (message) => told.push(message) },
    })
    assert.match(await client.ready, /^core: .*HTTP status 404$/)
    assert.equal(client.status.connection, 'offline')
    for (const wait of [1, 2, 4, 8, 16, 30, 30]) {
      const before = asked
      mock.timers.tick(wait * 1000 - 1)
      assert.equal(asked, before, `not within ${wait} s`)
      mock.timers.tick(1)
      await until(() => told.length === before + 1)
      assert.equal(asked, before + 1, `after ${wait} s`)
    }
    const last = asked
    const result = await client.messageService.queryMySession('bob', 'p2p')
    assert.deepEqual([result.code, result.errorDetails === client.status.lastError, asked], [500, true, last], 'a call in between does not ask')

    await client.close()
    mock.timers.tick(600_000)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(asked, last)
    assert.equal(client.status.connection, 'closed')
  } finally {
    mock.timers.reset()
  }
})

/** A client whose core is on its way for ever. */
function heldClient(options: { storage?: 'memory' } = { storage: 'memory' }): Client {
  const origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
  return connect({ url: origin, account: 'alice', token: 'tok', wasmUrl: `${origin}/held?${++programs}`, logger: {}, ...options })
}

test('a call waits for the core for as long as for an answer, and no longer', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const client = heldClient()
  try {
    const before = held
    const call = client.messageService.queryMySession('bob', 'p2p')
    let code: number | undefined
    void call.then((result) => (code = result.code))
    await until(() => held > before)
    mock.timers.tick(14_999)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(code, undefined)
    mock.timers.tick(1)
    const { isSuccess, errorDetails } = await call
    assert.deepEqual([isSuccess, code, errorDetails], [false, 408, 'core: is not there after 15000 ms'])
  } finally {
    mock.timers.reset()
    await client.close()
  }
})

test('a client that is closed while the core is on its way waits for nothing', async (t) => {
  const timers = new Set<unknown>()
  const { setTimeout, clearTimeout } = globalThis
  t.mock.method(globalThis, 'setTimeout', (...args: Parameters<typeof setTimeout>) => {
    const timer = setTimeout(...args)
    if (args[1] === 15_000) timers.add(timer)
    return timer
  })
  t.mock.method(globalThis, 'clearTimeout', (timer: ReturnType<typeof setTimeout>) => {
    timers.delete(timer)
    clearTimeout(timer)
  })
  const before = held
  const client = heldClient()
  const call = client.messageService.queryMySession('bob', 'p2p')
  await until(() => held > before)
  assert.equal(timers.size, 1)
  await client.close()
  assert.equal((await call).code, 415)
  assert.equal(await client.ready, 'the client is closed')
  assert.equal(timers.size, 0)
})

test('a client that is closed while the core is on its way leaves no lock and no channel behind', async (t) => {
  let locks = 0
  const channels = new Set<object>()
  class Channel {
    onmessage = null
    constructor() { channels.add(this) }
    postMessage(): void {}
    close(): void { channels.delete(this) }
  }
  const request = async (_: string, __: object, hold: () => Promise<void>): Promise<void> => {
    locks++
    await hold().finally(() => locks--)
  }
  replace(t, 'BroadcastChannel', Channel)
  replace(t, 'navigator', { locks: { request }, onLine: true })
  const client = heldClient({})
  await until(() => locks === 1 && channels.size === 1)
  await client.close()
  await until(() => locks === 0 && channels.size === 0)
})

/** Puts another global in the place of one, for the test. */
function replace(t: TestContext, name: string, value: unknown): void {
  const known = Object.getOwnPropertyDescriptor(globalThis, name)
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  t.after(() => {
    Reflect.deleteProperty(globalThis, name)
    if (known) Object.defineProperty(globalThis, name, known)
  })
}

test('logout takes whatever it is given', async () => {
  const client = heldClient()
  await client.logout(null as never)
  assert.equal(client.status.connection, 'closed')
})
