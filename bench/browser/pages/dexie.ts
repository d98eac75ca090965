import { changes, sessions } from '../rows.js'
import { below, newest, open } from './dexie-table.js'
import { each, Listener } from './peer.js'

const table = open()
let held = 0
let taken = 0

/** An empty table, opened. */
async function empty(): Promise<void> {
  await table.db.delete()
  await table.db.open()
}

window.bench = {
  async fill(count) {
    await empty()
    await table.bulkPut(sessions(count))
    held = count
  },

  page: (times) => each(times, () => newest(table, 100)),

  paging(pages) {
    let time = Infinity
    return each(pages, async () => {
      const page = await below(table, time, 100)
      time = page.at(-1)!.updateTime
      return page
    })
  },

  async write(count) {
    const rows = sessions(count)
    await empty()
    const began = performance.now()
    await table.bulkPut(rows)
    return performance.now() - began
  },

  async update(count, size) {
    const changed = changes(count, held, held + taken, taken)
    taken += count
    const { hear } = new Listener()
    const began = performance.now()
    for (let at = 0; at < count; at += size) {
      const part = changed.slice(at, at + size)
      if (size === 1) await table.put(part[0]!)
      else await table.bulkPut(part)
      part.forEach(hear)
    }
    return (1000 * count) / (performance.now() - began)
  },
}
