import { writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from '@playwright/test'
import type { Api } from '../api.mjs'
import { connect, expect, list, test } from '../fixtures'
import type { Server } from '../server'
import { crash, leaderOf, patient, setExt, status, untilLive } from '../tabs'
import { install, killSockets, Probes } from './probe'
import { judge, table, type Sample } from './verdict'

const report = fileURLToPath(new URL('../../build/soak.json', import.meta.url))
const minutes = Number(process.env.RECENTS_SOAK_MINUTES ?? 3)
const seed = Number(process.env.RECENTS_SOAK_SEED ?? 1)

/** How long a fault lasts and what follows it, in things that other people do meanwhile. */
const doings = 40
const friends = 60

/** Numbers that look random, the same ones for a seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** Alice, in two tabs of a browser and on a phone, and everyone who writes to her. */
class World {
  readonly random = randomOf(seed)
  done = 0
  #last = { uuid: '', from: '' }

  private constructor(
    readonly server: Server,
    readonly api: Api,
    readonly desk: BrowserContext,
    /** Lasts for the whole run; the other tab is closed, crashed and opened again. */
    readonly tab: Page,
    public other: Page,
    readonly phone: Page,
  ) {}

  static async open(server: Server, api: Api, desk: BrowserContext, pocket: BrowserContext): Promise<World> {
    await Promise.all([desk, pocket].map(install))
    const pages = await Promise.all([desk.newPage(), desk.newPage(), pocket.newPage()])
    for (let i = 0; i < friends; i++) await api.send(`friend${i}`, 'alice', 'hello')
    for (const page of pages) await connect(page, server, 'alice')
    await untilLive(pages)
    return new World(server, api, desk, ...pages)
  }

  get pages(): Page[] {
    return [this.tab, this.other, this.phone]
  }

  /** Has others do some things, whatever the server says to it: it may be away. */
  async live(doings: number): Promise<void> {
    for (let i = 0; i < doings; i++) {
      await this.#doOne().catch((error: unknown) => {
        if (!(error instanceof TypeError)) throw error // fetch's own: nobody is there
      })
      await setTimeout(15) // a pace, not a wait
    }
  }

  async #doOne(): Promise<void> {
    const friend = `friend${this.random(friends)}`
    const kind = this.random(20)
    this.done++
    if (kind < 13) {
      this.#last = { uuid: `${seed}.${this.done}`, from: friend }
      await this.api.send(friend, 'alice', `message ${this.done}`, { uuid: this.#last.uuid })
    } else if (kind === 13 && this.#last.uuid) {
      const { uuid, from } = this.#last
      await this.api.call('/v1/revokeMessage', { from, to: 'alice', sessionType: 'p2p', uuid, operator: from }, this.api.serverKey)
    } else if (kind < 16) {
      await this.api.user('alice', '/v1/updateMySession', { sessionId: friend, sessionType: 'p2p', ext: `ext ${this.done}` })
    } else if (kind < 19) {
      await setExt(this.random(2) ? this.tab : this.phone, friend, `own ${this.done}`)
    } else {
      await this.tab.evaluate((id) => window.clients.alice!.messageService.deleteMySession([{ sessionId: id, sessionType: 'p2p' }]), friend)
    }
  }

  async reopen(): Promise<void> {
    await this.other.close()
    this.other = await this.desk.newPage()
    await connect(this.other, this.server, 'alice')
  }

  /** Has the tab that may be crashed lead. */
  async handOver(): Promise<void> {
    await untilLive([this.tab, this.other])
    await this.tab.evaluate(() => document.dispatchEvent(new Event('freeze')))
    await expect.poll(async () => (await status(this.other)).leader, patient).toBe(true)
    await this.tab.evaluate(() => document.dispatchEvent(new Event('resume')))
  }

  /** All is quiet: every page must show what the server has, with nothing left to send. */
  async settle(): Promise<void> {
    await untilLive(this.pages)
    await leaderOf([this.tab, this.other])
    for (const page of this.pages) await expect.poll(async () => (await status(page)).pending, patient).toBe(0)
    const right = await this.api.list('alice')
    for (const page of this.pages) await expect.poll(async () => (await list(page, 'alice')).data, patient).toEqual(right)
  }
}

const faults: [name: string, happen: (world: World) => Promise<void>][] = [
  ['offline', async (world) => {
    await world.desk.setOffline(true)
    await world.live(doings)
    await world.desk.setOffline(false)
  }],
  ['sockets killed', async (world) => {
    for (let i = 0; i < 4; i++) {
      await Promise.all([world.tab, world.phone].map(killSockets))
      await world.live(doings / 4)
    }
  }],
  ['503', async (world) => {
    const refused = /\/v1\/(sync|mutate|snapshot)$/
    await world.desk.route(refused, (route) => route.fulfill({ status: 503, headers: { 'Access-Control-Allow-Origin': '*', 'Retry-After': '1' }, body: '' }))
    await killSockets(world.tab)
    await world.live(doings)
    await world.desk.unroute(refused)
  }],
  ['tab closed', async (world) => {
    await world.reopen()
    await world.live(doings)
  }],
  ['leader crashes', async (world) => {
    await world.handOver()
    await crash(world.other)
    await world.live(doings)
    await world.reopen()
  }],
  ['server killed', async (world) => {
    await world.server.kill()
    await world.live(doings / 2)
    await world.server.start()
    await world.live(doings / 2)
  }],
]

test('nothing grows while everything fails in turn', async ({ server, api, context: desk, browser, host }) => {
  const pocket = await browser.newContext({ baseURL: host.url })
  const world = await World.open(server, api, desk, pocket)
  await world.settle()
  const probes = await Probes.of(world.tab, world.phone, server)
  const samples: Sample[] = []
  const happened: Record<string, number> = {}
  const began = Date.now()
  const end = began + minutes * 60_000
  while (Date.now() < end || samples.length < 6) {
    // In turn, from a random one on, so that a short run has all of them.
    const [name, happen] = faults[(seed + samples.length) % faults.length]!
    happened[name] = (happened[name] ?? 0) + 1
    await happen(world)
    await world.live(doings)
    await world.settle()
    samples.push(await probes.look())
    console.log(`cycle ${samples.length}, ${name}: exact after ${Math.round((Date.now() - began) / 1000)} s`) // ./build.sh soak counts it
  }
  await pocket.close()

  const verdicts = judge(samples)
  const whole = { minutes, seed, doings: world.done, cycles: samples.length, faults: happened, verdicts, samples }
  await writeFile(report, JSON.stringify(whole, null, 1))
  console.log(`\n${table(samples, verdicts)}\n\n${samples.length} cycles, each exact in 3 pages; ${world.done} things done; ${JSON.stringify(happened)}`)
  expect(verdicts.filter((v) => !v.flat), 'what grew').toEqual([])
})
