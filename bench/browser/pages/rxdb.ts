import { createRxDatabase, type RxCollection } from 'rxdb'
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
import { sessions } from '../rows.js'
import { each } from './peer.js'

const schema = {
  version: 0,
  primaryKey: 'key',
  type: 'object',
  properties: {
    key: { type: 'string', maxLength: 80 },
    updateTime: { type: 'number', minimum: 0, maximum: 2 ** 42, multipleOf: 1 },
    ext: { type: 'string' },
    message: { type: 'object' },
  },
  required: ['key', 'updateTime', 'message'],
  indexes: ['updateTime'],
} as const

let collection: RxCollection

window.bench = {
  async fill(count) {
    const db = await createRxDatabase({ name: 'rxdb', storage: getRxStorageDexie(), multiInstance: false, closeDuplicates: true })
    collection = (await db.addCollections({ sessions: { schema } }))['sessions']!
    const { error } = await collection.bulkUpsert(sessions(count))
    if (error.length > 0) throw new Error(`${error.length} sessions were not stored`)
  },

  // RxDB answers the same query again from what it keeps, with messages that all who ask share.
  page: (times) => each(times, async () => {
    const found = await collection.find({ sort: [{ updateTime: 'desc' }], limit: 100 }).exec()
    return found.map((document) => document.toJSON())
  }),
}
