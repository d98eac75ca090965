import { createStore } from 'tinybase'
import { sessions } from '../rows.js'
import { each } from './peer.js'

const store = createStore()

window.bench = {
  async fill(count) {
    store.transaction(() => {
      for (const { key, updateTime, ext, message } of sessions(count)) {
        store.setRow('sessions', key, { updateTime, ext, message: JSON.stringify(message) }) // a cell is no object
      }
    })
  },

  page: (times) =>
    each(times, async () => store.getSortedRowIds('sessions', 'updateTime', true, 0, 100).map((id) => {
      const row = store.getRow('sessions', id)
      return { ...row, message: JSON.parse(String(row['message'])) }
    })),
}
