import { open, newest } from './dexie-table.js'
import { show } from './list.js'

/** The first 100 sessions, as an app shows them that keeps its list in Dexie. */
const rows = await newest(open(), 100)
show(rows.map(({ key, updateTime, message }) => ({ key, name: message.fromNickname, text: message.content, time: updateTime })))
