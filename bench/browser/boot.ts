import type { BrowserContext } from '@playwright/test'
import { Api } from '../../e2e/api.mjs'
import { Server } from '../../e2e/server'
import { sessions } from './rows'
import { ours, takeTurns, write, type Sample } from './sample'
import { shown, type Stage } from './stage'

/** Mobile as it often is: 1.6 Mbit/s down, 750 kbit/s up, 150 ms to the server and back. */
const slow = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 }

/** From a page's start to its list, and to a core that knows the whole list. */
export async function boot(stage: Stage): Promise<Sample[]> {
  const samples: Sample[] = [await firstVisit(stage)]
  for (const size of [1_000, 10_000, 100_000]) {
    await write('boot', samples) // what is measured is kept when the rest takes too long
    samples.push(...(await warm(stage, size)))
  }
  return samples
}

async function warm(stage: Stage, size: number): Promise<Sample[]> {
  const profile = await stage.kept()
  const whole = size >= 10_000
  await fill(stage, profile, size, whole ? ['recents', 'dexie', 'idb'] : ['recents', 'dexie'])
  const first: Sample = {
    measure: 'a warm start until 100 rows are in the document', size: sized(size), unit: 'ms', against: 'Dexie', bound: 0.7,
    note: 'each page loads its own script from the same host, all of it in one file that the browser keeps, in a profile on the disk; the document, its style and its rows are the same. By marks in the page two thirds of the time are the browser’s own, from the navigation until a script runs, and alike for both, at 100,000 sessions as at 1,000: that is why the bound is missed, and why the ratio differs from run to run by a fifth. From there to the rows ours takes six tenths of Dexie’s. Of ours a third to a half is the browser’s opening of the database, a sixth the reading of the page, as much connect itself, and the rest puts the list into the document; the core is asked for after that, which took three milliseconds off. The newest page and the database’s owner are read in one transaction, and shown when read, before that has ended.',
    rounds: await takeTurns({ [ours]: () => stage.timeToShow(profile, 'boot-recents'), Dexie: () => stage.timeToShow(profile, 'boot-dexie') }),
  }
  const ready: Sample | undefined = whole ? {
    measure: 'a warm start until every session is known, in order', size: sized(size), unit: 'ms', against: 'IndexedDB', bound: size > 10_000 ? 0.4 : 0.9,
    note: 'beside getAll and a sort in plain JavaScript, rows stored as objects. Ours includes loading and compiling the core, which the browser does anew each time: of 10,000 sessions a third of the time is that, and a tenth the start of Go’s runtime. The program is asked for beside its loader, and storage is read meanwhile; of each row the head alone is read, without a collection of garbage. The profile is on the disk, and keeps the files of both.',
    rounds: await takeTurns({
      [ours]: () => stage.timeToShow(profile, 'ready-recents', { size }),
      IndexedDB: () => stage.timeToShow(profile, 'ready-indexeddb', { size }),
    }),
  } : undefined
  await profile.close()
  return ready ? [first, ready] : [first]
}

/** Has sides hold the same sessions in the profile's storage. */
async function fill(stage: Stage, profile: BrowserContext, size: number, sides: readonly string[]): Promise<void> {
  for (const side of sides) {
    const page = await stage.page(profile, side)
    await page.evaluate((count) => window.bench.fill(count), size)
    if (side === 'recents') await page.evaluate(() => window.recents.close())
    await page.close()
  }
}

export async function firstVisit(stage: Stage): Promise<Sample> {
  const server = await Server.open()
  try {
    const api = new Api(server.url)
    for (const { message } of sessions(150)) await api.send(message.fromAccount, 'me', message.content, { fromNickname: message.fromNickname })
    const query = { server: server.url, token: await api.token('me') }
    return {
      measure: 'a first visit until 100 rows are in the document', size: '1.6 Mbit/s, 150 ms', unit: 'ms', against: 'one fetch', bound: 1.2,
      note: 'the server is the real one, nothing is cached, and the core is loaded meanwhile. Beside a page of one fetch and one JSON.parse.',
      rounds: await takeTurns({ [ours]: () => visit(stage, 'boot-recents', query), 'one fetch': () => visit(stage, 'boot-fetch', query) }),
    }
  } finally {
    await server.close()
  }
}

/** Opens a page in a profile where nothing is cached, over a slow network. */
async function visit(stage: Stage, script: string, query: Record<string, string>): Promise<number> {
  const profile = await stage.profile()
  const page = await profile.newPage()
  const cdp = await profile.newCDPSession(page)
  await cdp.send('Network.enable')
  await cdp.send('Network.emulateNetworkConditions', slow)
  const told = shown(page)
  await page.goto(`${stage.host.url}/${script}.html?${new URLSearchParams(query)}`, { waitUntil: 'commit' })
  const at = await told
  await profile.close()
  return at
}

export function sized(size: number): string {
  return `${size.toLocaleString('en')} sessions`
}
