import { Api } from './api.mjs'
import { connect, expect, test } from './fixtures'
import { pageUnderTraffic, peersNamed, populate, Traffic, violations, walk, type Reader, type Walk } from './paging.mjs'

const atEdge = process.env.RECENTS_PLACE === 'edge'

/** A walk misses only what moved up meanwhile: little, where it takes a moment. A worker on this machine takes longer. */
const shortest = atEdge ? 0 : 800

test.describe('1,000 sessions by 7, both ways, while 50 messages a second arrive', () => {
  test.slow(atEdge, 'a thousand objects are made first')

  test('over HTTP', async ({ server }) => {
    const api = new Api(server.url)
    const traffic = new Traffic(api, 'walker', peersNamed(1100))
    await populate(traffic, 1000)
    const result = await pageUnderTraffic({ traffic, read: (query) => api.list('walker', query) })
    expect(result.violations).toEqual([])
    expect(result.shortest, 'a walk misses only what moved up meanwhile').toBeGreaterThan(shortest)
    expect(result.sent).toBeGreaterThanOrEqual(250)
  })

  test('through the SDK', async ({ server, page }) => {
    const api = new Api(server.url)
    const traffic = new Traffic(api, 'walker', peersNamed(1100))
    await populate(traffic, 1000)
    await connect(page, server, 'walker')
    const read: Reader = async (query) => {
      const result = await page.evaluate((q) => window.clients.walker!.messageService.queryMySessionList(q), query)
      expect(result).toMatchObject({ code: 0, isSuccess: true })
      return result.data as never
    }
    const result = await pageUnderTraffic({ traffic, read })
    expect(result.violations).toEqual([])
    expect(result.shortest, 'a walk misses only what moved up meanwhile').toBeGreaterThan(shortest)

    // And when all is quiet, the replica is the server's list to the last byte.
    const [mine, theirs] = await Promise.all([read({ maxTimestamp: 0, limit: 100 }), api.list('walker', { limit: 100 })])
    expect(mine).toEqual(theirs)
  })
})

// The checks above are only worth something if they can fail.
test.describe('the checks see', () => {
  const list = (n: number) => Array.from({ length: n }, (_, i) => ({ sessionId: `peer-${i}`, sessionType: 'p2p', updateTime: 1000 - i }))
  const pagesOf = (rows: ReturnType<typeof list>): Reader => async ({ maxTimestamp, limit }) => {
    const left = rows.filter((s) => maxTimestamp === 0 || s.updateTime <= maxTimestamp)
    const sessionList = left.slice(0, limit)
    const hasMore = left.length > limit
    return { hasMore, sessionList, nextMaxTimestamp: hasMore ? sessionList.at(-1)!.updateTime - 1 : 0 }
  }
  const down = 'maxTimestamp = last.updateTime - 1'
  const trafficOf = (n: number) => {
    const traffic = new Traffic(new Api(''), 'a', [])
    traffic.sent = peersNamed(n).map((peer) => ({ peer, began: -2, acked: -1 }))
    return traffic
  }
  const check = (w: Walk, n: number, timesNow = new Map<string, number>()) => violations(w, trafficOf(n), timesNow)

  test('nothing in a good walk', async () => {
    for (const way of [down, 'maxTimestamp = last.updateTime, dropping what was seen'] as const) {
      const w = await walk(pagesOf(list(20)), way, 7)
      expect(w.sessions).toEqual(list(20))
      expect(check(w, 20)).toEqual([])
    }
  })

  test('a lost session', async () => {
    const w = await walk(pagesOf(list(20).filter((_, i) => i !== 9)), down, 7)
    expect(check(w, 20)).toEqual(['peer-9 did not change and is lost'])
  })

  test('one that came twice', async () => {
    const w = await walk(pagesOf([...list(20), { sessionId: 'peer-3', sessionType: 'p2p', updateTime: 1 }]), down, 7)
    expect(check(w, 20)).toEqual(['peer-3 came 2 times'])
  })

  test('a changed one that is nowhere', async () => {
    const w = await walk(pagesOf(list(20).filter((_, i) => i !== 9)), down, 7)
    const traffic = trafficOf(20)
    traffic.sent.push({ peer: 'peer-9', began: w.began, acked: w.ended })
    expect(violations(w, traffic, new Map([['peer-9', 991]]))).toEqual(['peer-9 changed, did not come, and is not newer than 1000'])
    expect(violations(w, traffic, new Map([['peer-9', 1001]]))).toEqual([])
  })

  test('a false hasMore, an endless list and a page out of order', async () => {
    const good = pagesOf(list(20))
    const lying: Reader = async (query) => ({ ...(await good(query)), hasMore: true })
    expect((await walk(lying, down, 7)).violations.join()).toContain('hasMore after 6 of 7')
    const endless: Reader = async () => good({ maxTimestamp: 0, limit: 7 })
    expect((await walk(endless, down, 7, 5)).violations.join()).toContain('does not end within 5 pages')
    const shuffled: Reader = async (query) => ({ ...(await good(query)), sessionList: (await good(query)).sessionList.reverse() })
    expect((await walk(shuffled, down, 7, 5)).violations.join()).toContain('the times do not fall')
  })
})
