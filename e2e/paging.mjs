// @ts-check
/**
 * Pages an account's list while messages arrive, and tells whether anything was lost or came twice.
 *
 *     node e2e/paging.mjs [http://127.0.0.1:8787]
 *
 * A list that moves has no one true content, so this is what must hold of a walk from the newest session down:
 *
 *  - no session comes twice;
 *  - a session that did not change while the walk ran comes exactly once;
 *  - one that changed came, or is now newer than where the walk began (it moved up, to where the next update or
 *    the next walk finds it);
 *  - each page falls strictly, within its bound, and `hasMore` and `nextMaxTimestamp` are exact.
 */
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { Api } from './api.mjs'

/**
 * @typedef {import('./api.mjs').Page} Page
 * @typedef {import('./api.mjs').Session} Session
 * @typedef {(query: { maxTimestamp: number, limit: number }) => Promise<Page>} Reader
 * @typedef {{ sessions: Session[], pages: number, violations: string[], began: number, ended: number }} Walk
 */

/** The two ways that the contract allows: where the next page begins, after a page that ends with `last`. */
export const ways = {
  'maxTimestamp = last.updateTime - 1': { next: (/** @type {Session} */ last) => last.updateTime - 1 },
  'maxTimestamp = last.updateTime, dropping what was seen': { next: (/** @type {Session} */ last) => last.updateTime },
}

/** @typedef {keyof typeof ways} Way */

/** Sends messages to one account at a steady rate, and remembers which sessions they changed, and when. */
export class Traffic {
  /** @type {{ peer: string, began: number, acked: number }[]} */
  sent = []
  /** @type {Promise<void>[]} */
  #open = []
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /**
   * @param {Api} api
   * @param {string} account
   * @param {string[]} peers who write; a peer that never wrote before makes a session
   */
  constructor(api, account, peers) {
    this.api = api
    this.account = account
    this.peers = peers
  }

  /** @param {number} perSecond */
  start(perSecond) {
    this.#timer = setInterval(() => this.#open.push(this.send(this.#nextPeer())), 1000 / perSecond)
  }

  async stop() {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
  }

  /** Every peer in turn, in an order that jumps through the list. */
  #nextPeer() {
    return /** @type {string} */ (this.peers[(this.sent.length * 617) % this.peers.length])
  }

  /** @param {string} peer */
  async send(peer) {
    const entry = { peer, began: performance.now(), acked: Infinity }
    this.sent.push(entry)
    await this.api.send(peer, this.account, `message ${this.sent.length}`)
    entry.acked = performance.now()
  }

  /**
   * The sessions that surely existed at a time.
   * @param {number} at
   */
  existedAt(at) {
    return new Set(this.sent.filter(({ acked }) => acked < at).map(({ peer }) => peer))
  }

  /**
   * The sessions that may have changed within a span of time.
   * @param {number} from
   * @param {number} to
   */
  changedWithin(from, to) {
    return new Set(this.sent.filter(({ began, acked }) => began <= to && acked >= from).map(({ peer }) => peer))
  }
}

/**
 * Walks the whole list, newest first.
 * @param {Reader} read
 * @param {Way} way
 * @param {number} limit
 * @param {number} mostPages more pages than this is an endless list
 * @returns {Promise<Walk>}
 */
export async function walk(read, way, limit, mostPages = 10_000) {
  /** @type {Walk} */
  const w = { sessions: [], pages: 0, violations: [], began: performance.now(), ended: 0 }
  let maxTimestamp = 0
  for (let more = true; more && w.pages < mostPages; w.pages++) {
    const page = await read({ maxTimestamp, limit })
    w.violations.push(...flawsOf(page, maxTimestamp, limit).map((flaw) => `page ${w.pages}: ${flaw}`))
    const last = page.sessionList.at(-1)
    w.sessions.push(...page.sessionList.filter((s) => !isSame(s, w.sessions.at(-1))))
    more = page.hasMore && last !== undefined
    if (last) maxTimestamp = ways[way].next(last)
  }
  if (w.pages === mostPages) w.violations.push(`the list does not end within ${mostPages} pages`)
  w.ended = performance.now()
  return w
}

/**
 * @param {Session} a
 * @param {Session | undefined} b
 */
function isSame(a, b) {
  return a.sessionId === b?.sessionId && a.updateTime === b.updateTime
}

/**
 * What is wrong with one page by itself.
 * @param {Page} page
 * @param {number} max
 * @param {number} limit
 */
function flawsOf(page, max, limit) {
  const flaws = []
  const times = page.sessionList.map(({ updateTime }) => updateTime)
  if (times.length > limit) flaws.push(`${times.length} sessions is over ${limit}`)
  if (max !== 0 && times.some((t) => t > max)) flaws.push(`a session is newer than ${max}`)
  if (times.some((t, i) => i > 0 && t >= /** @type {number} */ (times[i - 1]))) flaws.push(`the times do not fall: ${times}`)
  if (page.hasMore && times.length < limit) flaws.push(`hasMore after ${times.length} of ${limit}`)
  const next = page.hasMore ? /** @type {number} */ (times.at(-1)) - 1 : 0
  if (page.nextMaxTimestamp !== next) flaws.push(`nextMaxTimestamp ${page.nextMaxTimestamp}, not ${next}`)
  return flaws
}

/**
 * What a walk lost or repeated, given the traffic of that time. Sessions are named by their peers.
 * @param {Walk} w
 * @param {Traffic} traffic
 * @param {Map<string, number>} timesNow the update time of every session, read after the walk
 * @returns {string[]}
 */
export function violations(w, traffic, timesNow) {
  const found = [...w.violations]
  const changed = traffic.changedWithin(w.began, w.ended)
  const top = w.sessions[0]?.updateTime ?? 0
  /** @type {Map<string, number>} */
  const seen = new Map()
  for (const { sessionId } of w.sessions) seen.set(sessionId, (seen.get(sessionId) ?? 0) + 1)

  for (const [peer, times] of seen) if (times > 1) found.push(`${peer} came ${times} times`)
  for (const peer of traffic.existedAt(w.began)) {
    if (!changed.has(peer) && !seen.has(peer)) found.push(`${peer} did not change and is lost`)
  }
  for (const peer of changed) {
    if (!seen.has(peer) && (timesNow.get(peer) ?? 0) <= top) found.push(`${peer} changed, did not come, and is not newer than ${top}`)
  }
  return found
}

/**
 * Gives the account its sessions, a few at a time.
 * @param {Traffic} traffic
 * @param {number} count
 */
export async function populate(traffic, count) {
  const peers = traffic.peers.slice(0, count).values()
  const writers = Array.from({ length: 16 }, async () => {
    for (const peer of peers) await traffic.send(peer)
  })
  await Promise.all(writers)
}

/**
 * Reads every session's update time.
 * @param {Reader} read
 */
export async function timesOf(read) {
  const w = await walk(read, 'maxTimestamp = last.updateTime - 1', 100)
  return new Map(w.sessions.map(({ sessionId, updateTime }) => [sessionId, updateTime]))
}

/**
 * The whole test: walks in both ways, over and over while the traffic runs, until enough messages were sent.
 * @param {{ traffic: Traffic, read: Reader, limit?: number, rate?: number, messages?: number }} options
 * @returns {Promise<{ walks: number, sent: number, shortest: number, violations: string[] }>}
 */
export async function pageUnderTraffic({ traffic, read, limit = 7, rate = 50, messages = 250 }) {
  /** @type {Walk[]} */
  const walks = []
  const before = traffic.sent.length
  traffic.start(rate)
  try {
    do {
      for (const way of /** @type {Way[]} */ (Object.keys(ways))) walks.push(await walk(read, way, limit))
    } while (traffic.sent.length < before + messages)
  } finally {
    await traffic.stop()
  }
  const timesNow = await timesOf(read)
  return {
    walks: walks.length,
    sent: traffic.sent.length - before,
    shortest: Math.min(...walks.map(({ sessions }) => sessions.length)),
    violations: walks.flatMap((w) => violations(w, traffic, timesNow)),
  }
}

/** @param {number} n */
export const peersNamed = (n) => Array.from({ length: n }, (_, i) => `peer-${i}`)

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const api = new Api(argv[2] ?? 'http://127.0.0.1:8787')
  const account = `paging-${Date.now()}`
  const traffic = new Traffic(api, account, peersNamed(1100))
  await populate(traffic, 1000)
  const result = await pageUnderTraffic({ traffic, read: (query) => api.list(account, query) })
  for (const v of result.violations) console.error(v)
  console.log(`${result.walks} walks of at least ${result.shortest} sessions, ${result.sent} messages meanwhile, ${result.violations.length} violations`)
  process.exitCode = result.violations.length === 0 ? 0 : 1
}
