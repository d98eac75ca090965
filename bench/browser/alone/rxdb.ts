export { createRxDatabase } from 'rxdb'
export { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
