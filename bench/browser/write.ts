import { sized } from './boot'
import { ours, takeTurns, type Sample } from './sample'
import type { Stage } from './stage'

const size = 10_000

/** The first sync, until the browser says that it is stored. */
export async function write(stage: Stage): Promise<Sample[]> {
  const profile = await stage.profile()
  const turn = async (side: string) => {
    const page = await stage.page(profile, side)
    return () => page.evaluate((count) => window.bench.write!(count), size)
  }
  const rounds = await takeTurns({ [ours]: await turn('recents'), Dexie: await turn('dexie') })
  await profile.close()
  return [{
    measure: 'the first sync, stored', size: sized(size), unit: 'ms', against: 'Dexie', bound: 0.1, rounds,
    note: 'ours goes from the first request for the list to the end of the transaction that stores it: 20 answers read, checked and indexed, and the digest; the answers are in the page already. Dexie’s bulkPut has its objects in hand. Both databases are open and empty. By a profile of that time not half is the core, a seventh of which its collector; an eighth is the browser’s copying of the answers and of the records, and a fifth is waiting for its other threads. By marks the pages take six tenths, the records a sixth, and their storing a fifth. A third was taken off: within a task of a millisecond the core goes on at once, as the way to the next one took as long as a slice of a page; the next page is asked for while one is read; the text of a row is kept as it came without being written again; and no garbage is collected before the list is there. The ratio differs from run to run, from 0.10 to 0.14.',
  }]
}
