import { sized } from './boot'
import { ours, takeTurns, type Sample } from './sample'
import type { Stage } from './stage'

const size = 10_000

/** Pages asked for in a row: enough that a clock of 0.1 ms does not matter. */
const times = 50

/** A page of 100 from a live list, objects in hand. */
export async function page(stage: Stage): Promise<Sample[]> {
  const profile = await stage.profile()
  const open = async (side: string) => {
    const page = await stage.page(profile, side)
    await page.evaluate((count) => window.bench.fill(count), size)
    return () => page.evaluate((n) => window.bench.page!(n), times)
  }
  const mine = await stage.page(profile, 'recents')
  await mine.evaluate((count) => window.bench.fill(count), size)
  const rounds = await takeTurns({
    [ours]: () => mine.evaluate((n) => window.bench.page!(n), times),
    'JSON.parse': () => mine.evaluate((n) => window.recents.parse(n), times),
    Dexie: await open('dexie'),
    idb: await open('idb'),
    RxDB: await open('rxdb'),
    TinyBase: await open('tinybase'),
  })
  await profile.close()
  const { 'JSON.parse': parsed = [], ...stores } = rounds
  const line = { measure: 'queryMySessionList(100)', size: sized(size), unit: 'ms' }
  return [
    { ...line, against: 'JSON.parse', bound: 1.5, rounds: { [ours]: rounds[ours]!, 'JSON.parse': parsed }, note: 'JSON.parse reads the same text, ready as a string, and does nothing else.' },
    { ...line, against: 'Dexie', bound: 0.1, rounds: stores, note: 'TinyBase has all in memory; RxDB and idb read IndexedDB, RxDB through Dexie. For information but Dexie.' },
  ]
}
