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
    note: 'ours goes from the first request for the list to the end of the transaction that stores it: 20 answers read, checked and indexed, and the digest; the answers are in the page already. Dexie’s bulkPut has its objects in hand. Both databases are open and empty. The text of a page is read once, row by row; that it was looked over as an answer and as a list before took a fifth. By marks in the page six tenths of the time are the pages, among them the browser’s own handing over of answers, a sixth is making the records of what was read, and a fifth the browser’s taking of them.',
  }]
}
