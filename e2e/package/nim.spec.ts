import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import type { Api } from '../api.mjs'
import { expect, test } from '../fixtures'
import { blank } from '../host'
import type { Server } from '../server'

/** What the page of a test holds: what it made, and what it heard. */
declare global {
  interface Window {
    heard: [name: string, ...what: any[]][]
    core: import('recents/nim').NimCore
    web: import('recents/nim-web').NIM
    ng: import('recents/nim-ng').NIM
    modules: { nim: typeof import('recents/nim'); web: typeof import('recents/nim-web'); ng: typeof import('recents/nim-ng') }
  }
}

/** Sessions of every kind for alice: bob wrote, carol took back, a note to dave alone, a cleared ext, an odd account, a team. */
async function populate(api: Api): Promise<void> {
  await api.send('bob', 'alice', '你好 👋', { uuid: 'u-bob', fromNickname: 'Bob', remoteExtension: { a: 1 } })
  await api.send('carol', 'alice', 'secret', { uuid: 'u-carol' })
  await api.backend('/v1/revokeMessage', { from: 'carol', to: 'alice', sessionType: 'p2p', uuid: 'u-carol', operator: 'carol', notice: 'oops' })
  await api.user('alice', '/v1/updateMySession', { sessionId: 'dave', sessionType: 'p2p', ext: 'a note' })
  await api.user('alice', '/v1/updateMySession', { sessionId: 'erin', sessionType: 'p2p', ext: 'x' })
  await api.user('alice', '/v1/updateMySession', { sessionId: 'erin', sessionType: 'p2p', ext: '' })
  await api.send('alice', 'a-b|c', 'to an odd account', { uuid: 'u-odd' })
  await api.backend('/v1/setTeamMembers', { teamId: 'crew-1', sessionType: 'superTeam', owner: 'bob', managers: [], members: ['bob', 'alice'] })
  await api.backend('/v1/sendMessage', { from: 'bob', to: 'crew-1', sessionType: 'superTeam', message: { messageType: 'text', content: 'all hands', uuid: 'u-crew' } })
}

/** Opens a page with the three shapes loaded and nothing connected. */
async function open(page: Page): Promise<void> {
  await page.goto(blank)
  await page.evaluate(async () => {
    const load = (name: string): Promise<any> => import(`/sdk/${name}.js`)
    window.heard = []
    window.modules = { nim: await load('nim'), web: await load('nim-web'), ng: await load('nim-ng') }
  })
}

/** What was heard under a name, once it is that often. */
async function heard(page: Page, name: string, times: number): Promise<any[][]> {
  const all = (): Promise<any[][]> => page.evaluate((name) => window.heard.filter(([n]) => n === name).map(([, ...what]) => what), name)
  await expect.poll(async () => (await all()).length, { message: name }).toBe(times)
  return all()
}

/** What both Web SDKs say of bob's message, times aside. */
const fromBob = {
  scene: 'p2p', from: 'bob', fromNick: 'Bob', to: 'alice', type: 'text', sessionId: 'p2p-bob', target: 'bob', flow: 'in', idClient: 'u-bob',
  userUpdateTime: 0, time: expect.any(Number), idServer: expect.stringMatching(/^\d+$/),
}

test.describe('recents/nim-web', () => {
  async function connect(page: Page, server: Server, token: string, options: object = {}): Promise<void> {
    await open(page)
    await page.evaluate(
      ({ url, token, options }) => {
        const hear = (name: string) => (what: unknown) => window.heard.push([name, what])
        window.web = window.modules.web.NIM.getInstance({
          appKey: 'k', logLevel: 'off', url, account: 'alice', token, ...options,
          onconnect: hear('onconnect'), onsyncdone: () => window.heard.push(['onsyncdone']), onwillreconnect: hear('onwillreconnect'),
          ondisconnect: hear('ondisconnect'), onerror: hear('onerror'), onSyncUpdateServerSession: hear('onSyncUpdateServerSession'),
        })
      },
      { url: server.url, token, options },
    )
  }

  /** Makes a call, and gives what `done` got, or what was thrown. */
  function call(page: Page, name: string, options: object): Promise<any> {
    return page.evaluate(
      ({ name, options }) =>
        new Promise((resolve) => {
          const plain = (error: any): object | null => error && { code: error.code, message: error.message, event: error.event, isError: error instanceof Error }
          try {
            ;(window.web as any)[name]({ ...options, done: (error: unknown, data: unknown) => resolve({ error: plain(error), data }) })
          } catch (error) {
            resolve({ thrown: plain(error) })
          }
        }),
      { name, options },
    )
  }

  test('lists, reads, updates and deletes by the vendor\'s names, and tells of other devices', async ({ server, api, page }) => {
    await populate(api)
    await connect(page, server, await api.token('alice'))
    await heard(page, 'onsyncdone', 1)
    expect(await heard(page, 'onconnect', 1)).toEqual([[{ account: 'alice' }]])

    const { error, data } = await call(page, 'getServerSessions', {})
    expect(error).toBeNull()
    expect(data.hasMore).toBe(false)
    const times = data.sessionList.map(({ updateTime }: any) => updateTime)
    expect(times).toEqual([...times].sort((a, b) => b - a))
    const byId = Object.fromEntries(data.sessionList.map(({ updateTime: _, ...session }: any) => [session.id, session]))
    expect(Object.keys(byId)).toEqual(['superTeam-crew-1', 'p2p-a-b|c', 'p2p-erin', 'p2p-dave', 'p2p-carol', 'p2p-bob'])
    expect(byId['p2p-bob']).toEqual({ id: 'p2p-bob', lastMsgType: '0', lastMsg: { ...fromBob, status: expect.any(String), text: '你好 👋', custom: '{"a":1}' } })
    expect(byId['p2p-carol']).toMatchObject({
      lastMsgType: '1',
      lastMsg: { type: 'deleteMsg', scene: 'p2p', from: 'carol', to: 'alice', opeAccount: 'carol', deletedIdClient: 'u-carol', ps: 'oops' },
    })
    expect(JSON.stringify(byId['p2p-carol'])).not.toContain('secret')
    expect(byId['p2p-dave']).toEqual({ id: 'p2p-dave', ext: 'a note', lastMsgType: '0' })
    expect(byId['p2p-erin']).toEqual({ id: 'p2p-erin', ext: '', lastMsgType: '0' })
    expect(byId['p2p-a-b|c'].lastMsg).toMatchObject({ from: 'alice', to: 'a-b|c', flow: 'out', target: 'a-b|c' })
    expect(byId['superTeam-crew-1'].lastMsg).toMatchObject({ scene: 'superTeam', from: 'bob', to: 'crew-1', text: 'all hands' })

    expect((await call(page, 'getServerSession', { scene: 'p2p', to: 'bob' })).data).toEqual(data.sessionList.at(-1))
    expect(await call(page, 'updateServerSession', { scene: 'p2p', to: 'a-b|c', extra: 'mine' })).toEqual({ error: null, data: {} })
    expect((await call(page, 'getServerSession', { scene: 'p2p', to: 'a-b|c' })).data).toMatchObject({ id: 'p2p-a-b|c', ext: 'mine' })
    expect((await call(page, 'updateServerSession', { scene: 'p2p', to: 'a-b|c' })).error).toBeNull()
    expect((await call(page, 'getServerSession', { scene: 'p2p', to: 'a-b|c' })).data.ext).toBe('')
    const sessions = [{ scene: 'p2p', to: 'carol' }, { scene: 'superTeam', to: 'crew-1' }]
    expect(await call(page, 'deleteServerSessions', { sessions })).toEqual({ error: null, data: { sessions } })
    const left = await call(page, 'getServerSessions', { needLastMsg: false, limit: 2 })
    expect(left.data).toMatchObject({ hasMore: true, sessionList: [{ id: 'p2p-a-b|c' }, { id: 'p2p-erin' }] })
    expect(Object.keys(left.data.sessionList[1]).sort()).toEqual(['ext', 'id', 'updateTime'])

    await api.user('alice', '/v1/updateMySession', { sessionId: 'bob', sessionType: 'p2p', ext: 'from my phone' })
    const [[told]] = await heard(page, 'onSyncUpdateServerSession', 1) as [[any]]
    expect(told).toMatchObject({ id: 'p2p-bob', ext: 'from my phone', lastMsg: { text: '你好 👋' } })
    expect(await heard(page, 'onerror', 0)).toEqual([])
  })

  test('has the vendor\'s errors: thrown for a parameter, told for the rest', async ({ server, api, page }) => {
    await connect(page, server, await api.token('alice'))
    await heard(page, 'onsyncdone', 1)
    for (const [name, options, message] of [
      ['getServerSessions', { limit: 101 }, 'limit: 101 is over 100'],
      ['getServerSessions', { limit: '20' }, 'limit: 20 is not a number'],
      ['getServerSessions', { minTimestamp: null }, 'minTimestamp: null is not a number'],
      ['getServerSession', { to: 'bob' }, 'scene: undefined is not one of p2p, team, superTeam'],
      ['getServerSession', { scene: 'p2p', to: '' }, 'to: is not a string with a character'],
      ['updateServerSession', { scene: 'p2p', to: 'bob', extra: {} }, 'extra: is of type object, not a string'],
      ['deleteServerSessions', { sessions: [] }, 'sessions: is not an array with an element'],
      ['deleteServerSessions', { sessions: [null] }, 'scene: undefined is not one of p2p, team, superTeam'],
    ] as const) {
      expect(await call(page, name, options), message).toEqual({ thrown: { code: 'Param_Error', message, event: { callFunc: `session::${name}` }, isError: true } })
    }
    for (const [name, options, code, message] of [
      ['getServerSessions', { limit: 0 }, 414, 'limit: 0 is under 1'],
      ['getServerSessions', { minTimestamp: 2, maxTimestamp: 1 }, 414, /minTimestamp/],
      ['getServerSession', { scene: 'team', to: 'bob' }, 404, /./],
      ['updateServerSession', { scene: 'p2p', to: 'bob', extra: 'x'.repeat(1025) }, 414, /ext: .*1024/],
    ] as const) {
      const { error, data } = await call(page, name, options)
      expect(error, name).toMatchObject({ code, event: { callFunc: `session::${name}` }, isError: true })
      expect(error.message).toMatch(message)
      expect(data, 'data is what was asked, as in the vendor\'s').toEqual(options)
    }
    const thrown = await page.evaluate(() => {
      const { NIM } = window.modules.web
      return [undefined, {}, { url: 'http://h', account: 'a' }].map((options) => {
        try {
          NIM.getInstance(options as never)
          return ''
        } catch (error) {
          return (error as Error).message
        }
      })
    })
    expect(thrown).toEqual(['url: is missing or empty', 'url: is missing or empty', 'token: is missing or empty'])
  })

  test('tells of its connection: lost and back, refused, ended', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    await connect(page, server, await api.token('alice'), { db: false })
    await heard(page, 'onconnect', 1)
    expect(await page.evaluate(() => window.web.client.status.storage)).toBe('memory')
    await server.stop()
    expect((await heard(page, 'onwillreconnect', 1))[0]).toEqual([{ retryCount: 1 }])
    expect((await call(page, 'getServerSessions', {})).data.sessionList).toHaveLength(1)
    await server.start()
    await expect.poll(() => page.evaluate(() => window.heard.filter(([name]) => name === 'onconnect').length), { timeout: 45_000 }).toBe(2)
    expect(await page.evaluate((options) => window.modules.web.NIM.getInstance(options) === window.web, { url: server.url, account: 'alice', token: await api.token('alice') })).toBe(true)

    await page.evaluate(() => new Promise<void>((done) => window.web.disconnect({ done: () => done() })))
    expect(await heard(page, 'ondisconnect', 1)).toEqual([[{ code: 'manuallyDisconnect', message: 'disconnect was called' }]])
    expect((await call(page, 'getServerSessions', {})).error.code).toBe(415)

    // A token that is refused, replaced as the vendor's apps do.
    await page.evaluate(() => {
      window.web.setOptions({ token: 'no.such.token' })
      window.web.connect()
    })
    expect((await heard(page, 'ondisconnect', 2))[1]).toMatchObject([{ code: 302 }])
    const good = await api.token('alice')
    await page.evaluate((token) => {
      window.web.setOptions({ token })
      window.web.connect()
    }, good)
    await heard(page, 'onconnect', 3)

    await page.evaluate(() => new Promise<void>((done) => window.web.destroy({ done: () => done() })))
    expect(await page.evaluate((options) => window.modules.web.NIM.getInstance(options) === window.web, { url: server.url, account: 'alice', token: good })).toBe(false)
  })

  test('goes on with the token that was set last, when the first one is no longer taken', async ({ server, api, page }) => {
    await connect(page, server, await api.token('alice'))
    await heard(page, 'onconnect', 1)
    await page.evaluate((url) => {
      const token = async (): Promise<string> => {
        const response = await fetch(`${url}/v1/dev/token`, { method: 'POST', body: JSON.stringify({ account: 'alice' }) })
        return (await response.json()).data.token
      }
      window.web.setOptions({ token })
    }, server.url)
    await server.stop()
    await rm(join(server.dataDir, 'dev-token-secret')) // the server makes another, with which no token of before holds
    await server.start()
    await expect.poll(() => page.evaluate(() => window.heard.filter(([name]) => name === 'onconnect').length), { timeout: 45_000 }).toBe(2)
    expect(await page.evaluate(() => window.heard.some(([name]) => name === 'ondisconnect'))).toBe(false)
  })

  test('connects again though it has not ended yet, from within an event as well', async ({ server, api, page }) => {
    await connect(page, server, await api.token('alice'))
    await heard(page, 'onconnect', 1)
    await page.evaluate(() => {
      window.web.disconnect()
      window.web.connect()
    })
    await heard(page, 'onconnect', 2)
    await page.evaluate(() => {
      window.web.setOptions({
        onconnect: () => {
          window.web.setOptions({ onconnect: (what) => window.heard.push(['onconnect', what]) })
          window.web.disconnect()
          window.web.connect()
        },
      })
      window.web.disconnect()
      window.web.connect()
    })
    await heard(page, 'onconnect', 3)
    expect(await page.evaluate(() => window.web.client.status.connection)).toBe('live')
  })

  test('has a function of the app\'s that throws keep nothing else from being told, and logs it', async ({ server, api, page }) => {
    await connect(page, server, await api.token('alice'))
    await heard(page, 'onconnect', 1)
    await page.evaluate(() => {
      const fails = (): void => { throw new Error('the app\'s own') }
      window.web.setOptions({ logger: { error: (message) => window.heard.push(['logged', message]) }, ondisconnect: fails, onconnect: fails })
      window.web.getServerSessions({ done: fails })
    })
    expect(await heard(page, 'logged', 1)).toEqual([['session::getServerSessions: done threw']])
    await page.evaluate(() => window.web.disconnect({ done: () => window.heard.push(['done']) }))
    await heard(page, 'done', 1)
    await page.evaluate(() => window.web.connect())
    await heard(page, 'onsyncdone', 2)
    expect(await heard(page, 'logged', 3)).toEqual([['session::getServerSessions: done threw'], ['ondisconnect threw'], ['onconnect threw']])
  })

  test('tells of options that are refused, after getInstance returned', async ({ page }) => {
    await open(page)
    await page.evaluate(() => {
      const hear = (name: string) => (what: unknown) => window.heard.push([name, what, window.web !== undefined])
      window.web = window.modules.web.NIM.getInstance({ url: 'ftp://h', account: 'alice', token: 't', onerror: hear('onerror'), ondisconnect: hear('ondisconnect') })
    })
    expect(await heard(page, 'ondisconnect', 1)).toEqual([[{ code: 414, message: expect.stringContaining('url:') }, true]])
    expect(await heard(page, 'onerror', 1)).toEqual([[{ message: expect.stringContaining('url:') }, true]])
  })
})

test.describe('recents/nim-ng', () => {
  async function make(page: Page, server: Server, token: string): Promise<void> {
    await open(page)
    await page.evaluate(
      ({ url, token }) => {
        window.ng = new window.modules.ng.NIM({ appkey: 'k', debugLevel: 'off', url, account: 'alice', token })
        for (const name of ['logined', 'syncdone', 'willReconnect', 'disconnect', 'multiSyncUpdateCloudSession'] as const) {
          window.ng.on(name, (...what: unknown[]) => window.heard.push([name, ...what]))
        }
      },
      { url: server.url, token },
    )
  }

  /** Makes a call of cloudSession, or of the instance itself, and gives what it resolved to or what it rejected with. */
  function call(page: Page, name: string, options?: object): Promise<any> {
    return page.evaluate(
      async ({ name, options }) => {
        const on = name in window.ng.cloudSession ? window.ng.cloudSession : window.ng
        try {
          return { value: await (on as any)[name](options) }
        } catch (error: any) {
          return { code: error.code, message: error.message, isError: error instanceof Error }
        }
      },
      { name, options },
    )
  }

  test('lists, reads, updates and deletes by the vendor\'s names, and tells of other devices', async ({ server, api, page }) => {
    await populate(api)
    await make(page, server, await api.token('alice'))
    expect(await page.evaluate(() => window.ng.status)).toBe('unconnected')
    expect(await call(page, 'queryCloudSessionList', {})).toMatchObject({ code: 415, isError: true })
    expect(await call(page, 'connect')).toEqual({ value: undefined })
    expect(await page.evaluate(() => window.ng.status)).toBe('logined')
    expect(await heard(page, 'logined', 1)).toEqual([[{ account: 'alice' }]])

    const { value } = await call(page, 'queryCloudSessionList', { minTimestamp: 0, maxTimestamp: 0 })
    expect(value.hasMore).toBe(false)
    const byId = Object.fromEntries(value.sessionList.map(({ updateTime: _, ...session }: any) => [session.sessionId, session]))
    expect(Object.keys(byId)).toEqual(['superTeam-crew-1', 'p2p-a-b|c', 'p2p-erin', 'p2p-dave', 'p2p-carol', 'p2p-bob'])
    expect(byId['p2p-bob'].lastMsgInfo).toEqual({
      isLastMsgRecalled: false,
      lastMsg: { ...fromBob, status: 'unread', body: '你好 👋', ext: '{"a":1}', feature: 'default' },
    })
    expect(byId['p2p-carol'].lastMsgInfo).toMatchObject({
      isLastMsgRecalled: true,
      revokedMsg: { type: 'recallMsgP2p', from: 'carol', to: 'alice', ps: 'oops', recallMessageInfo: { idClient: 'u-carol', opeAccount: 'carol' } },
    })
    expect(JSON.stringify(byId['p2p-carol'])).not.toContain('secret')
    expect(byId['p2p-dave']).toEqual({ sessionId: 'p2p-dave', ext: 'a note' })
    expect(byId['p2p-a-b|c'].lastMsgInfo.lastMsg).toMatchObject({ from: 'alice', to: 'a-b|c', flow: 'out', status: 'sent' })

    expect((await call(page, 'queryCloudSession', { sessionId: 'p2p-bob' })).value).toEqual(value.sessionList.at(-1))
    expect(await call(page, 'updateCloudSession', { sessionId: 'p2p-a-b|c', ext: 'mine' })).toEqual({ value: undefined })
    expect((await call(page, 'queryCloudSession', { sessionId: 'p2p-a-b|c' })).value.ext).toBe('mine')
    expect(await call(page, 'deleteCloudSessionList', { sessionIdList: ['p2p-carol', 'superTeam-crew-1'] })).toEqual({ value: undefined })
    const left = await call(page, 'queryCloudSessionList', { includedLastMsg: false, limit: 2 })
    expect(left.value).toMatchObject({ hasMore: true, sessionList: [{ sessionId: 'p2p-a-b|c' }, { sessionId: 'p2p-erin', ext: '' }] })
    expect(left.value.sessionList[0]).not.toHaveProperty('lastMsgInfo')

    await api.user('alice', '/v1/updateMySession', { sessionId: 'bob', sessionType: 'p2p', ext: 'from my phone' })
    expect((await heard(page, 'multiSyncUpdateCloudSession', 1))[0]).toMatchObject([{ sessionId: 'p2p-bob', ext: 'from my phone' }])
  })

  test('rejects as the vendor\'s does, with a code', async ({ server, api, page }) => {
    await make(page, server, await api.token('alice'))
    await call(page, 'connect')
    for (const [name, options, code, message] of [
      ['queryCloudSessionList', { limit: 101 }, 414, 'limit: 101 is over 100'],
      ['queryCloudSessionList', { minTimestamp: -1 }, 414, /minTimestamp/],
      ['queryCloudSession', { sessionId: 'bob' }, 414, 'sessionId: "bob" is not of the form p2p-…, team-… or superTeam-…'],
      ['queryCloudSession', undefined, 414, /sessionId: undefined/],
      ['queryCloudSession', { sessionId: 'team-none' }, 404, /./],
      ['updateCloudSession', { sessionId: 'p2p-bob' }, 414, /ext/],
      ['deleteCloudSessionList', {}, 414, 'sessionIdList: is not an array'],
      ['deleteCloudSessionList', { sessionIdList: ['p2p-bob', 5] }, 414, /^sessionIdList: 1: 5 is not/],
      ['deleteCloudSessionList', { sessionIdList: [] }, 414, /sessionList/],
    ] as const) {
      const outcome = await call(page, name, options)
      expect(outcome, `${name} ${JSON.stringify(options)}`).toMatchObject({ code, isError: true })
      expect(outcome.message).toMatch(message)
    }
    expect(await call(page, 'updateCloudSession', { sessionId: 'p2p-bob', ext: '' })).toEqual({ value: undefined })
  })

  test('connects again though it has not ended yet', async ({ server, api, page }) => {
    await make(page, server, await api.token('alice'))
    expect(await call(page, 'connect')).toEqual({ value: undefined })
    await page.evaluate(() => {
      const gone = window.ng.disconnect()
      return Promise.all([window.ng.connect(), gone])
    })
    expect(await page.evaluate(() => window.ng.status)).toBe('logined')
  })

  test('has a listener that throws keep an event from no other, and ends nevertheless', async ({ server, api, page }) => {
    await open(page)
    await page.evaluate(({ url, token }) => {
      const logger = { error: (message: string) => window.heard.push(['logged', message]) }
      window.ng = new window.modules.ng.NIM({ url, account: 'alice', token, logger })
      const fails = (): void => { throw new Error('the app\'s own') }
      window.ng.on('logined', fails).on('logined', () => window.heard.push(['logined'])).on('disconnect', fails)
    }, { url: server.url, token: await api.token('alice') })
    expect(await call(page, 'connect')).toEqual({ value: undefined })
    await heard(page, 'logined', 1)
    expect(await call(page, 'destroy')).toEqual({ value: undefined })
    expect(await heard(page, 'logged', 2)).toEqual([['logined threw'], ['disconnect threw']])
  })

  test('connects, is lost and comes back, and ends', async ({ server, api, page }) => {
    await make(page, server, 'no.such.token')
    expect(await call(page, 'connect')).toMatchObject({ code: 302, isError: true })
    expect(await page.evaluate(() => window.ng.status)).toBe('unconnected')
    await heard(page, 'disconnect', 1)
    const token = await api.token('alice')
    await page.evaluate((token) => window.ng.setOptions({ token }), token)
    expect(await call(page, 'connect')).toEqual({ value: undefined })
    await server.stop()
    expect((await heard(page, 'willReconnect', 1))[0]).toEqual([{ retryCount: 1 }])
    expect(await page.evaluate(() => window.ng.status)).toBe('waitReconnect')
    await server.start()
    await expect.poll(() => page.evaluate(() => window.ng.status), { timeout: 45_000 }).toBe('logined')

    const calls = await page.evaluate(async () => {
      let once = 0
      const listener = (): number => once++
      window.ng.once('disconnect', listener)
      window.ng.on('logined', listener)
      window.ng.off('logined', listener)
      await window.ng.disconnect()
      await window.ng.connect()
      await window.ng.disconnect()
      return once
    })
    expect(calls).toBe(1)
    await server.stop()
    expect(await call(page, 'connect'), 'it goes on trying, and answers from the cache').toMatchObject({ code: 415, isError: true })
    expect((await call(page, 'queryCloudSessionList')).value).toEqual({ sessionList: [], hasMore: false })
    await server.start()
    await expect.poll(() => page.evaluate(() => window.ng.status), { timeout: 45_000 }).toBe('logined')
    await call(page, 'destroy')
    expect(await page.evaluate(() => window.ng.status)).toBe('destroyed')
    expect(await call(page, 'connect')).toMatchObject({ code: 415 })
    await page.evaluate((options) => (window.ng = window.modules.ng.default.getInstance(options)), { url: 'ftp://h', account: 'alice', token })
    expect(await call(page, 'connect')).toMatchObject({ code: 414, message: expect.stringContaining('url:') })
    expect(await page.evaluate(() => window.modules.ng.NIM.getInstance() === window.ng)).toBe(true)
  })
})

test.describe('recents/nim', () => {
  test('is one service for whichever account is there, from before the first to after the last', async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'for alice')
    await api.send('dave', 'carol', 'for carol')
    await open(page)
    const initialize = async (account: string): Promise<any> => {
      const options = { url: server.url, account, token: await api.token(account) }
      return page.evaluate((options) => window.modules.nim.NimCore.instance.initialize(options), options)
    }
    const list = (): Promise<any> => page.evaluate(() => window.core.messageService.queryMySessionList(0, 0, 1, 100, 0))
    const live = (): Promise<void> => expect.poll(() => page.evaluate(() => window.core.client?.status.connection)).toBe('live')

    const before = await page.evaluate(async () => {
      window.core = window.modules.nim.NimCore.instance
      const { messageService: service } = window.core
      service.onMySessionUpdate.listen((session) => window.heard.push(['update', session.sessionId, session.ext]))
      service.onMySessionDelete.listen((keys) => window.heard.push(['delete', keys]))
      const { p2p } = window.modules.nim.NIMSessionType
      return Promise.all([
        service.queryMySessionList(0, 0, 1, 100, 0), service.queryMySession('bob', p2p), service.updateMySession('bob', p2p, 'x'),
        service.deleteMySession([{ sessionId: 'bob', sessionType: p2p }]), window.core.logout(),
      ])
    })
    for (const result of before) expect(result).toMatchObject({ code: 503, data: null, isSuccess: false, errorDetails: expect.stringContaining('initialize') })

    expect(await initialize('alice')).toMatchObject({ code: 0, isSuccess: true })
    await live()
    expect((await list()).data.sessionList.map((s: any) => s.sessionId)).toEqual(['bob'])
    await api.user('alice', '/v1/updateMySession', { sessionId: 'bob', sessionType: 'p2p', ext: 'one' })
    await api.user('alice', '/v1/deleteMySession', { sessionList: [{ sessionId: 'bob', sessionType: 'p2p' }] })
    expect(await heard(page, 'update', 1)).toEqual([['bob', 'one']])
    expect(await heard(page, 'delete', 1)).toEqual([[[{ sessionId: 'bob', sessionType: 'p2p' }]]])

    const refused = await page.evaluate(() => window.core.initialize({ url: 'ftp://h', account: 'carol', token: 't' }))
    expect(refused).toMatchObject({ code: 414, isSuccess: false, errorDetails: expect.stringContaining('url') })
    expect(await list(), 'the account before stays').toMatchObject({ code: 0, data: { sessionList: [] } })

    const alice = await page.evaluateHandle(() => window.core.client!)
    expect(await initialize('carol')).toMatchObject({ code: 0 })
    expect(await alice.evaluate((client) => client.status.connection)).toBe('closed')
    await live()
    expect((await list()).data.sessionList.map((s: any) => s.sessionId)).toEqual(['dave'])
    await api.send('erin', 'alice', 'not for carol')
    await api.user('carol', '/v1/updateMySession', { sessionId: 'dave', sessionType: 'p2p', ext: 'two' })
    expect(await heard(page, 'update', 2), 'the same listener, the other account').toEqual([['bob', 'one'], ['dave', 'two']])

    expect(await page.evaluate(() => window.core.logout({ wipe: true }))).toMatchObject({ code: 0 })
    expect(await list()).toMatchObject({ code: 503 })
    expect(await page.evaluate(async () => (await indexedDB.databases()).length), 'alice\'s cache stays').toBe(1)
    expect(await page.evaluate(() => window.core.dispose())).toMatchObject({ code: 0 })
  })
})
