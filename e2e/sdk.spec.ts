import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { badCalls, badConnects } from './bad-input'
import { connect, expect, idsOf, list, test, textOf, untilConnection } from './fixtures'
import { measured } from './measured'

test.describe('bad input', () => {
  test('is code 414 with a text that names it, and changes nothing', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await api.user('alice', '/v1/updateMySession', { sessionId: 'bob', sessionType: 'p2p', ext: 'mine' })
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const before = await api.user('alice', '/v1/snapshot', {})

    for (const [call, details] of badCalls) {
      const outcome = await page.evaluate(callIn, call)
      expect(outcome, call).toMatchObject({ code: 414, data: null, isSuccess: false })
      expect(outcome.errorDetails, call).toMatch(details)
    }
    expect(await api.user('alice', '/v1/snapshot', {})).toEqual(before)
    expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
  })

  test('at the very bound is taken', async ({ server, api, page }) => {
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const ids = ['a|b', '-', '.', '__proto__', 'constructor', 'ü'.repeat(32), 'x'.repeat(64)]
    const exts = ['', 'a'.repeat(1024), '😀'.repeat(512), '{"__proto__":{"x":1}}', '"\\\n\u2028<b>']
    for (const id of ids) {
      for (const ext of exts) {
        const written = await page.evaluate(([id, ext]) => window.clients.alice!.messageService.updateMySession(id!, 'p2p', ext!), [id, ext])
        expect(written, id).toMatchObject({ code: 0, isSuccess: true })
        // As text, since a member named __proto__ does not survive the way out of a page.
        const read = await page.evaluate(async (id) => JSON.stringify((await window.clients.alice!.messageService.queryMySession(id, 'p2p')).data), id)
        expect(JSON.parse(read), id).toMatchObject({ sessionId: id, ext })
        const asked = await api.user('alice', '/v1/queryMySession', { sessionId: id, sessionType: 'p2p' })
        expect(read, id).toBe(JSON.stringify(asked))
      }
    }
    const keys = Array.from({ length: 100 }, (_, i) => ({ sessionId: ids[i % ids.length]!, sessionType: 'p2p' as const }))
    expect(await page.evaluate((keys) => window.clients.alice!.messageService.deleteMySession(keys), keys)).toMatchObject({ code: 0 })
    expect(idsOf(await list(page, 'alice'))).toEqual([])
    expect((await api.list('alice')).sessionList).toEqual([])
  })

  test('to connect throws nothing either', async ({ page }) => {
    await page.goto('/blank.html')
    for (const options of badConnects) {
      const outcome = await page.evaluate(connectWith, options)
      expect(outcome, options).toMatchObject({ data: null, isSuccess: false })
      expect(outcome.errorDetails, options).not.toBe('')
    }
  })
})

test.describe('events', () => {
  test('tell of a message, a revoke and another device’s ext, one whole session each', async ({ server, api, page }) => {
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const events = await recordEvents(page)

    await api.send('bob', 'alice', 'one', { uuid: 'u1' })
    await expect.poll(async () => (await events()).updates.length).toBe(1)
    await api.user('alice', '/v1/updateMySession', { sessionId: 'bob', sessionType: 'p2p', ext: 'from my phone' })
    await expect.poll(async () => (await events()).updates.length).toBe(2)
    await api.backend('/v1/revokeMessage', { from: 'bob', to: 'alice', sessionType: 'p2p', uuid: 'u1', operator: 'bob', notice: 'oops' })
    await expect.poll(async () => (await events()).updates.length).toBe(3)

    const { updates, deletes } = await events()
    expect(textOf(updates[0])).toBe('one')
    expect(updates[1]).toMatchObject({ sessionId: 'bob', ext: 'from my phone' })
    expect(updates[2]).toMatchObject({ lastMsgType: 1, revokeNotification: { revokeAccount: 'bob', customInfo: 'oops' } })
    expect(updates[2]).toEqual(await api.user('alice', '/v1/queryMySession', { sessionId: 'bob', sessionType: 'p2p' }))
    expect(deletes).toEqual([])
  })

  test('tell of another device’s delete by keys, and of no own write', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'one')
    await api.send('carol', 'alice', 'two')
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const events = await recordEvents(page)

    await page.evaluate(() => window.clients.alice!.messageService.updateMySession('bob', 'p2p', 'mine'))
    await page.evaluate(() => window.clients.alice!.messageService.deleteMySession([{ sessionId: 'bob', sessionType: 'p2p' }]))
    await api.user('alice', '/v1/deleteMySession', { sessionList: [{ sessionId: 'carol', sessionType: 'p2p' }] })
    await expect.poll(async () => (await events()).deletes.length).toBe(1)
    expect(await events()).toEqual({ updates: [], deletes: [[{ sessionId: 'carol', sessionType: 'p2p' }]] })
    expect(idsOf(await list(page, 'alice'))).toEqual([])
  })

  test('come once each and in order when many messages come at once', async ({ server, api, page }) => {
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const events = await recordEvents(page)
    for (let i = 0; i < 50; i++) await api.send('bob', 'alice', String(i))
    await expect.poll(async () => textOf((await events()).updates.at(-1))).toBe('49')
    const texts = (await events()).updates.map((s) => Number(textOf(s)))
    expect(texts).toEqual([...new Set(texts)].sort((a, b) => a - b)) // a state between may be passed over, none comes twice
  })
})

test.describe('the cache', () => {
  test('answers when the server is gone, says so, and says how far down it reaches', async ({ server, api, page }) => {
    for (const friend of ['bob', 'carol', 'dave']) await api.send(friend, 'alice', `from ${friend}`)
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const live = await list(page, 'alice')
    expect(live).toMatchObject({ code: 0, fresh: true, complete: true, data: { hasMore: false } })

    await page.evaluate(() => window.clients.alice!.close())
    await server.stop()
    await page.reload()
    await connect(page, server, 'alice')
    const cached = await list(page, 'alice')
    expect(cached).toMatchObject({ code: 0, isSuccess: true, source: 'cache', fresh: false, complete: true })
    expect(cached.data).toEqual(live.data)
    expect(cached.asOf).toBeGreaterThan(0)
    const one = await page.evaluate(() => window.clients.alice!.messageService.queryMySession('bob', 'p2p'))
    expect(one).toMatchObject({ code: 0, source: 'cache', fresh: false, data: { sessionId: 'bob' } })
    await untilConnection(page, 'alice', 'offline')
  })

  test('D16 of one account is never another’s', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'for alice alone')
    await api.send('dave', 'carol', 'for carol alone')
    await connect(page, server, 'alice')
    await connect(page, server, 'carol')
    expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
    expect(idsOf(await list(page, 'carol'))).toEqual(['dave'])
    await untilConnection(page, 'alice', 'live')
    await untilConnection(page, 'carol', 'live')
    await page.evaluate(() => Promise.all(Object.values(window.clients).map((c) => c.close())))

    await server.stop()
    await page.reload()
    for (const account of ['alice', 'carol', 'bob']) await connect(page, server, account)
    expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
    expect(idsOf(await list(page, 'carol'))).toEqual(['dave'])
    expect(await list(page, 'bob'), 'bob was never here').toMatchObject({ code: 415, data: null, isSuccess: false })

    const names = await page.evaluate(async () => (await indexedDB.databases()).map((d) => d.name))
    expect(names.join()).not.toMatch(/alice|carol|bob/)
    measured('D16', '3 accounts one after another and at once: 0 rows of another, no name in the databases’ names')
  })

  test('leaves no database behind after a logout with wipe', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await page.evaluate(() => window.clients.alice!.close())
    expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBeGreaterThan(0)

    await connect(page, server, 'alice')
    await list(page, 'alice')
    await page.evaluate(() => window.clients.alice!.logout({ wipe: true }))
    expect(await page.evaluate(() => indexedDB.databases())).toEqual([])
    await server.stop()
    await page.reload()
    await connect(page, server, 'alice')
    expect(await list(page, 'alice')).toMatchObject({ code: 415, data: null })
  })

  test('is kept by a close, after which calls say that it is closed', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await page.evaluate(() => window.clients.alice!.close())
    await untilConnection(page, 'alice', 'closed')
    const after = await list(page, 'alice')
    expect(after).toMatchObject({ code: 415, data: null, isSuccess: false })
    expect(after.errorDetails).not.toBe('')
  })

  test('in memory alone stores nothing', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await connect(page, server, 'alice', { storage: 'memory' })
    await untilConnection(page, 'alice', 'live')
    expect(idsOf(await list(page, 'alice'))).toEqual(['bob'])
    expect(await page.evaluate(() => window.clients.alice!.status.storage)).toBe('memory')
    expect(await page.evaluate(() => indexedDB.databases())).toEqual([])
  })
})

test.describe('a call', () => {
  test('that is aborted is code 408', async ({ server, page }) => {
    await connect(page, server, 'alice')
    const outcomes = await page.evaluate(async () => {
      const { messageService: ms } = window.clients.alice!
      const before = await ms.queryMySessionList({ signal: AbortSignal.abort() })
      const later = new AbortController()
      const running = ms.updateMySession('bob', 'p2p', 'x', { signal: later.signal })
      later.abort()
      return [before, await running]
    })
    expect(outcomes[0]).toMatchObject({ code: 408, errorDetails: 'aborted', isSuccess: false })
    expect(outcomes[1]).toMatchObject({ code: 408, errorDetails: 'aborted', isSuccess: false })
  })

  test('with a token that the server refuses is code 302', async ({ server, page }) => {
    await page.goto('/blank.html')
    const outcome = await page.evaluate(async (url) => {
      const sdk = '/sdk/index.js'
      const { connect } = (await import(sdk)) as typeof import('recents')
      const client = connect({ url, account: 'alice', token: 'no.such.token' })
      const result = await client.messageService.queryMySessionList()
      return { result, status: client.status }
    }, server.url)
    expect(outcome.result).toMatchObject({ code: 302, data: null, isSuccess: false })
    expect(JSON.stringify(outcome)).not.toContain('no.such.token')
    expect(server.log).not.toContain('no.such.token')
  })

  test('with the token of another account gives nothing of that one\'s, and stores nothing', async ({ server, api, page }) => {
    await api.send('carol', 'bob', 'for bob alone')
    await page.goto('/blank.html')
    const outcome = await page.evaluate(
      async ([url, token]) => {
        const sdk = '/sdk/index.js'
        const { connect } = (await import(sdk)) as typeof import('recents')
        const client = connect({ url: url!, account: 'alice', token: token! })
        await client.ready
        const results = [await client.messageService.queryMySessionList(), await client.messageService.queryMySession('carol', 'p2p')]
        await client.close()
        return { results, cached: client.status.cached }
      },
      [server.url, await api.token('bob')],
    )
    for (const result of outcome.results) expect(result).toMatchObject({ code: 302, data: null, errorDetails: 'token: is of another account' })
    expect(outcome.cached).toBe(0)
  })

  test('that lists gives sessions of its own: what an app does to them shows in no other list', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'one')
    await api.user('alice', '/v1/updateMySession', { sessionId: 'bob', sessionType: 'p2p', ext: '{"pinned":{"at":1}}' })
    await api.send('carol', 'alice', 'two', { uuid: 'u2' })
    await api.backend('/v1/revokeMessage', { from: 'carol', to: 'alice', sessionType: 'p2p', uuid: 'u2', operator: 'carol', notice: 'oops' })
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    const lists = await page.evaluate(async () => {
      const lists: string[] = []
      for (let i = 0; i < 3; i++) {
        const { data, source } = await window.clients.alice!.messageService.queryMySessionList()
        lists.push(JSON.stringify({ data, source }))
        spoil(data!.sessionList)
      }
      return lists

      function spoil(tree: object): void {
        for (const [name, member] of Object.entries(tree)) {
          if (typeof member === 'object' && member !== null) spoil(member)
          ;(tree as Record<string, unknown>)[name] = 'spoilt'
        }
      }
    })
    const expected = { data: await api.list('alice'), source: 'cache' }
    for (const list of lists) expect(JSON.parse(list)).toEqual(expected)
  })

  test('is heard by two pages of one account', async ({ server, api, page, context }) => {
    const other = await context.newPage()
    await connect(page, server, 'alice')
    await connect(other, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await untilConnection(other, 'alice', 'live')
    const events = await recordEvents(other)
    await page.evaluate(() => window.clients.alice!.messageService.updateMySession('bob', 'p2p', 'from the first'))
    await expect.poll(async () => (await events()).updates.map((s) => s.ext)).toEqual(['from the first'])
    expect((await list(other, 'alice')).data).toEqual(await api.list('alice'))
  })
})

test('importing the module does nothing, in Node too', async () => {
  const index = fileURLToPath(new URL('../build/sdk/index.js', import.meta.url))
  const script = `
    const before = Object.getOwnPropertyNames(globalThis).join()
    for (const name of ['fetch', 'setTimeout', 'setInterval', 'queueMicrotask']) globalThis[name] = () => { throw new Error(name) }
    const names = Object.keys(await import(${JSON.stringify(index)}))
    if (Object.getOwnPropertyNames(globalThis).join() !== before) throw new Error('a global was added')
    console.log(names.join())`
  // The process ends by itself: nothing that was begun keeps it alive.
  const { stdout } = await promisify(execFile)('node', ['--input-type=module', '-e', script], { timeout: 20_000 })
  expect(stdout.trim().split(',')).toContain('connect')
})

interface Recorded {
  updates: import('recents').RecentSession[]
  deletes: import('recents').SessionKey[][]
}

/** Records alice's events from now on; the returned function reads them. */
async function recordEvents(page: import('@playwright/test').Page): Promise<() => Promise<Recorded>> {
  const recorded = await page.evaluateHandle(() => {
    const { messageService: ms } = window.clients.alice!
    const into: { updates: unknown[]; deletes: unknown[] } = { updates: [], deletes: [] }
    ms.onMySessionUpdate.listen((session) => into.updates.push(session))
    ms.onMySessionDelete.listen((keys) => into.deletes.push(keys))
    return into
  })
  return () => recorded.jsonValue() as Promise<Recorded>
}

/** Runs an expression of `ms` in the page. It is text since NaN, lone surrogates and getters do not survive the trip. */
async function callIn(expression: string): Promise<{ code: number; data: unknown; errorDetails: string; isSuccess: boolean }> {
  const run = new Function('ms', `return ${expression}`)
  try {
    return await run(window.clients.alice!.messageService)
  } catch (error) {
    return { code: -1, data: null, errorDetails: `threw ${error}`, isSuccess: false }
  }
}

/** Connects with an expression's options, and asks for the list. */
async function connectWith(expression: string): Promise<{ data: unknown; errorDetails: string; isSuccess: boolean }> {
  const sdk = '/sdk/index.js'
  const { connect } = (await import(sdk)) as typeof import('recents')
  try {
    const client = connect(new Function(`return ${expression}`)())
    const result = await client.messageService.queryMySessionList()
    await client.close()
    return result
  } catch (error) {
    return { data: `threw ${error}`, errorDetails: '', isSuccess: true }
  }
}
