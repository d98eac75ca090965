import type { Page } from '@playwright/test'
import { sized } from './boot'
import { ours, takeTurns, type Sample } from './sample'
import type { Stage } from './stage'

const size = 10_000

/** Pages asked for in a row: enough that a clock of 0.1 ms does not matter. */
const times = 50

/** A page of 100 from a live list, objects in hand: the newest one again and again, and every page of the list once. */
export async function page(stage: Stage): Promise<Sample[]> {
  const profile = await stage.profile()
  const open = async (side: string) => {
    const page = await stage.page(profile, side)
    await page.evaluate((count) => window.bench.fill(count), size)
    return page
  }
  const newest = (page: Page) => () => page.evaluate((n) => window.bench.page!(n), times)
  const paging = (page: Page) => () => page.evaluate((n) => window.bench.paging!(n), size / 100)
  const mine = await open('recents')
  const dexie = await open('dexie')
  const again = await takeTurns({
    [ours]: newest(mine),
    'JSON.parse': () => mine.evaluate((n) => window.recents.parse(n), times),
    Dexie: newest(dexie),
    idb: newest(await open('idb')),
    RxDB: newest(await open('rxdb')),
    TinyBase: newest(await open('tinybase')),
  })
  const once = await takeTurns({
    [ours]: paging(mine),
    'JSON.parse': () => mine.evaluate((n) => window.recents.parsePaging(n), size / 100),
    Dexie: paging(dexie),
  })
  await profile.close()
  const { 'JSON.parse': parsed = [], ...stores } = again
  const line = { measure: 'queryMySessionList(100)', size: sized(size), unit: 'ms' }
  return [
    { ...line, against: 'JSON.parse', bound: 1.5, rounds: { [ours]: again[ours]!, 'JSON.parse': parsed }, note: 'JSON.parse reads the same text, ready as a string, and does nothing else. Ours was asked for the list before: sessions that were shown are copied, and not decoded again.' },
    { ...line, against: 'Dexie', bound: 0.1, rounds: stores, note: 'The same list asked for again. Ours copies what it keeps, so that an app may change it; RxDB keeps its answer too, but gives the same messages to all who ask. TinyBase has all in memory; Dexie and idb read IndexedDB. For information but Dexie.' },
    { ...line, measure: 'queryMySessionList(100), each page of the list once', against: 'JSON.parse', bound: 0, rounds: once, note: 'No page was shown before, as when one scrolls down all of a list: ours makes each session’s text of the row that it has in memory, and decodes that: by a profile half of the time is the core, a fifth its check of the rows, and a third the page’s reading of the texts. Rows are read without looking for names, and the last messages, which go beside their sessions, are not escaped any more: that took a quarter off. JSON.parse reads the same texts, ready as strings, and does nothing else. For information.' },
  ]
}
