import { sized } from './boot'
import { ours, takeTurns, type Sample } from './sample'
import type { Stage } from './stage'

const size = 10_000

/** Where the time goes, by a profile. */
const reason = 'By a profile half of ours is the core, a quarter of that its collector: it checks what came, keeps it in order and writes the session that is told. A sixth is the page’s decoding and reading of that text, without which no callback has an object, and the rest handing texts over, storing them, telling other tabs, and a tenth waiting. What took most off: frames that come together are one event; rows that are as they are written are read without looking for names; a last message goes beside its session, and not escaped in it; what the core answers is read where it stands. Inlining in Go changed nothing here, since the browser does it as well. A collector that runs half as often would, by estimate, take a fifteenth off and memory over its budget; that was not tried.'

/** Changes a second, each told to the app and stored. */
export async function updates(stage: Stage): Promise<Sample[]> {
  const profile = await stage.profile()
  const open = async (side: string) => {
    const page = await stage.page(profile, side)
    await page.evaluate((count) => window.bench.fill(count), size)
    return (count: number, each: number) => () => page.evaluate(([n, at]) => window.bench.update!(n, at), [count, each] as const)
  }
  const mine = await open('recents')
  const dexie = await open('dexie')
  const one = await takeTurns({ [ours]: mine(20_000, 1), Dexie: dexie(1_000, 1) })
  const hundred = await takeTurns({ [ours]: mine(40_000, 100), Dexie: dexie(5_000, 100) })
  await profile.close()
  const line = { size: sized(size), unit: '/s', against: 'Dexie', atLeast: true }
  return [
    { ...line, measure: 'changes, one at a time', bound: 50, rounds: one, note: `a frame with one change each, as many in a task as a socket has there, beside one put each; the callback is fired for each, and all are stored at the end. ${reason}` },
    { ...line, measure: 'changes, 100 at a time', bound: 8, rounds: hundred, note: `a frame with 100 changes beside a bulkPut of 100. ${reason}` },
  ]
}
