import { Dexie, type Table } from 'dexie'
import type { Session } from '../rows.js'

export type Sessions = Table<Session, string>

/** The table of sessions, keyed and by time. */
export function open(): Sessions {
  const db = new Dexie('dexie')
  db.version(1).stores({ sessions: 'key, updateTime' })
  return db.table('sessions')
}

/** The newest sessions, newest first. */
export function newest(table: Sessions, limit: number): Promise<Session[]> {
  return table.orderBy('updateTime').reverse().limit(limit).toArray()
}

/** The sessions below an update time, newest first. */
export function below(table: Sessions, time: number, limit: number): Promise<Session[]> {
  return table.where('updateTime').below(time).reverse().limit(limit).toArray()
}
