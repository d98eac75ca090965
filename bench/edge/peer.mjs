// @ts-check
/**
 * The peer of the benchmark: the list and the delivery as one writes them for the platform by hand, in plain JavaScript. The
 * objects, the tables, the statements and their order, the token's check in front and the answers are those of the worker; no
 * parameter is checked beyond what the calls of the benchmark need.
 */
import { DurableObject } from 'cloudflare:workers'
import { tokenAccount } from '../../js/edge/token.mjs'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    last_time INTEGER NOT NULL, floor INTEGER NOT NULL, digest TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS sessions (account INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, update_time INTEGER NOT NULL, ext TEXT,
    ext_seq INTEGER NOT NULL, msg TEXT, msg_id TEXT NOT NULL, msg_order TEXT NOT NULL, revoke TEXT, state INTEGER NOT NULL, changed_at INTEGER NOT NULL) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS sessions_key ON sessions (account, key);
  CREATE UNIQUE INDEX IF NOT EXISTS sessions_seq ON sessions (account, seq);
  CREATE UNIQUE INDEX IF NOT EXISTS sessions_time ON sessions (account, update_time);
  CREATE INDEX IF NOT EXISTS sessions_gone ON sessions (account, state, seq) WHERE state <> 0;
  CREATE INDEX IF NOT EXISTS sessions_gone_at ON sessions (changed_at, account) WHERE state <> 0;
  CREATE TABLE IF NOT EXISTS clients (account INTEGER NOT NULL, id TEXT NOT NULL, last_mid INTEGER NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY (account, id)) STRICT;
  CREATE TABLE IF NOT EXISTS receipts (account INTEGER NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, key)) STRICT;
  CREATE INDEX IF NOT EXISTS receipts_at ON receipts (at, account);
  CREATE TABLE IF NOT EXISTS pending_revokes (account INTEGER NOT NULL, msg_id TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (account, msg_id)) STRICT;
  CREATE TABLE IF NOT EXISTS parcels (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, parcel INTEGER NOT NULL, recipient TEXT NOT NULL, tries INTEGER NOT NULL, due INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due, id);
  CREATE INDEX IF NOT EXISTS outbox_parcel ON outbox (parcel);`

const COLUMNS = 'key, seq, update_time, ext, ext_seq, msg, msg_id, msg_order, revoke, state, changed_at'

export default {
  /** @param {Request} request @param {any} env */
  async fetch(request, env) {
    const text = await request.text()
    if (request.headers.get('Authorization') === `Bearer ${env.RECENTS_SERVER_KEY}`) {
      return objectOf(env, JSON.parse(text).from).fetch(request.url, { method: 'POST', headers: request.headers, body: text })
    }
    const account = await tokenAccount(request, env)
    if (account === undefined) return answer(401, { code: 302, errorDetails: 'token: is no good' })
    return objectOf(env, account).fetch(request.url, { method: 'POST', headers: request.headers, body: text })
  },
}

/** @param {any} env @param {string} name */
function objectOf(env, name) {
  return env.ACCOUNTS.get(env.ACCOUNTS.idFromName(name))
}

/** @param {number} status @param {object} body */
function answer(status, body) {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', Vary: 'Origin' },
  })
}

export class Account extends DurableObject {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env)
    this.name = ctx.id.name
    this.storage = ctx.storage
    this.sql = ctx.storage.sql
    this.ctx = ctx
    this.env = env
    this.alarmAt = null
    this.sql.exec(SCHEMA)
  }

  /** @param {Request} request */
  async fetch(request) {
    const body = await request.json()
    const path = new URL(request.url).pathname
    if (path === '/v1/queryMySessionList') return answer(200, { code: 200, data: this.storage.transactionSync(() => this.list(body)) })
    if (path !== '/v1/sendMessage') return answer(404, { code: 404 })
    const data = this.storage.transactionSync(() => this.send(body))
    await this.carry()
    return answer(200, { code: 200, data })
  }

  head() {
    return this.sql.exec('SELECT id, epoch, seq, last_time, floor, digest FROM accounts WHERE name = ?', this.name).toArray()[0]
  }

  /** @param {any} query */
  list({ minTimestamp = 0, maxTimestamp = 0, needLastMsg = 1, limit = 100 }) {
    const head = this.head()
    const rows = head === undefined ? [] : this.sql.exec(`SELECT ${COLUMNS} FROM sessions WHERE account = ? AND update_time BETWEEN ? AND ? AND state = 0
      ORDER BY update_time DESC LIMIT ?`, head.id, minTimestamp, maxTimestamp || Number.MAX_SAFE_INTEGER, limit + 1).toArray()
    const hasMore = rows.length > limit
    if (hasMore) rows.pop()
    return {
      hasMore,
      sessionList: rows.map((/** @type {any} */ row) => sessionOf(row, needLastMsg)),
      nextMaxTimestamp: hasMore ? rows[rows.length - 1].update_time - 1 : 0,
    }
  }

  /** @param {any} body */
  send({ from, to, sessionType, message }) {
    const now = Date.now(), raw = JSON.stringify(message)
    const key = `p2p|${to}`, uuid = message.uuid ?? crypto.randomUUID()
    const held = this.row(key)
    const order = String(Math.max(now * 4096, held ? Number(held.msg_order) + 1 : 0))
    const [known] = this.sql.exec('SELECT hash, answer, at FROM receipts WHERE account = ? AND key = ?', this.head()?.id ?? 0, `m|${uuid}`)
    if (known !== undefined) return JSON.parse(known.answer)
    const time = this.deliver({ from, peer: to, sessionType, message: JSON.parse(raw), uuid, order, direction: 'outgoing' }, now)
    const data = { serverId: order, timestamp: time, uuid }
    this.sql.exec('INSERT INTO parcels (body) VALUES (?)', JSON.stringify({ from, peer: from, sessionType, message, uuid, order, direction: 'received' }))
    this.sql.exec(`INSERT INTO outbox (parcel, recipient, tries, due) SELECT (SELECT max(id) FROM parcels), value, 0, ? FROM json_each(?) ORDER BY key`,
      now, JSON.stringify([to]))
    this.sql.exec(`INSERT INTO receipts (account, key, hash, answer, at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (account, key) DO UPDATE SET hash = excluded.hash, answer = excluded.answer, at = excluded.at`,
      this.head().id, `m|${uuid}`, String(raw.length), JSON.stringify(data), now)
    this.wake(now)
    return data
  }

  /** @param {string} key */
  row(key) {
    return this.sql.exec(`SELECT ${COLUMNS} FROM sessions WHERE account = ? AND key = ? LIMIT ?`, this.head()?.id ?? 0, key, 1).toArray()[0]
  }

  /** @param {any} parcel @param {number} now */
  deliver({ from, peer, sessionType, message, uuid, order, direction }, now) {
    let head = this.head()
    if (head === undefined) {
      this.sql.exec('INSERT INTO accounts (name, epoch, seq, last_time, floor, digest) VALUES (?, ?, ?, ?, ?, ?)', this.name, crypto.randomUUID(), 0, 0, 0, '0')
      head = this.head()
    }
    const key = `p2p|${peer}`
    const [held] = this.sql.exec(`SELECT ${COLUMNS} FROM sessions WHERE account = ? AND key = ? LIMIT ?`, head.id, key, 1)
    if (held !== undefined && Number(held.msg_order) >= Number(order)) return held.update_time
    this.sql.exec('SELECT body, at FROM pending_revokes WHERE account = ? AND msg_id = ?', head.id, `${from}\n${uuid}`).toArray()
    const time = Math.max(now, head.last_time + 1), seq = head.seq + 1
    const msg = JSON.stringify({ ...message, uuid, serverId: order, sessionId: peer, sessionType, fromAccount: from, timestamp: time,
      messageDirection: direction, status: 'success' })
    this.sql.exec('UPDATE accounts SET epoch = ?, seq = ?, last_time = ?, floor = ?, digest = ? WHERE id = ?', head.epoch, seq, time, 0, String(seq), head.id)
    this.sql.exec(`INSERT INTO sessions (account, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (account, key) DO UPDATE SET seq = excluded.seq, update_time = excluded.update_time, ext = excluded.ext, ext_seq = excluded.ext_seq,
        msg = excluded.msg, msg_id = excluded.msg_id, msg_order = excluded.msg_order, revoke = excluded.revoke, state = excluded.state,
        changed_at = excluded.changed_at`, head.id, key, seq, time, held?.ext ?? null, held?.ext_seq ?? 0, msg, uuid, order, null, 0, now)
    return time
  }

  /** Sets when the object wakes to carry what is left. @param {number} now */
  wake(now) {
    const [{ due }] = this.sql.exec('SELECT min(due) AS due FROM outbox')
    this.sql.exec(`SELECT EXISTS (SELECT 1 FROM receipts) OR EXISTS (SELECT 1 FROM sessions WHERE state <> 0)
      OR EXISTS (SELECT 1 FROM clients) OR EXISTS (SELECT 1 FROM pending_revokes)`).toArray()
    const at = due === null ? now - now % 86_400_000 + 86_400_000 : due + 2000
    if (at === this.alarmAt) return
    this.alarmAt = at
    this.ctx.waitUntil(this.storage.setAlarm(at))
  }

  async carry() {
    const due = () => this.sql.exec(`SELECT o.id, o.recipient, p.body FROM outbox o JOIN parcels p ON p.id = o.parcel
      WHERE o.due <= ? ORDER BY o.due, o.id LIMIT ?`, Date.now(), 64).toArray()
    for (let batch = due(); batch.length > 0; batch = due()) {
      for (const { recipient, body } of batch) await objectOf(this.env, recipient).accept([body])
      this.storage.transactionSync(() => {
        this.sql.exec('DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(batch.map((/** @type {any} */ row) => row.id)))
        this.sql.exec('DELETE FROM parcels WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE parcel = parcels.id)')
        this.wake(Date.now())
      })
    }
  }

  /** @param {string[]} parcels */
  async accept(parcels) {
    this.storage.transactionSync(() => {
      for (const parcel of parcels) this.deliver(JSON.parse(parcel), Date.now())
      this.wake(Date.now())
    })
  }

  async alarm() {
    await this.carry()
  }
}

/** A RecentSession of a row. @param {any} row @param {number} needLastMsg */
function sessionOf(row, needLastMsg) {
  const sessionId = row.key.slice(row.key.indexOf('|') + 1), message = JSON.parse(row.msg)
  const last = needLastMsg ? {
    lastMessageId: message.uuid, lastMessageType: message.messageType, lastMessageStatus: message.status,
    lastMessageContent: message.content, lastMessageTime: message.timestamp, lastMessageAttachment: message.messageAttachment,
  } : {}
  return {
    sessionId, sessionType: 'p2p', sessionTypePair: 'p2p', updateTime: row.update_time, ext: row.ext ?? undefined,
    ...(needLastMsg ? { lastMsg: row.msg, lastMsgType: 0, revokeNotification: null } : {}),
    recentSession: {
      sessionId, sessionType: 'p2p', senderAccount: message.fromAccount, senderNickname: message.fromNickname, ...last,
      unreadCount: 0, extension: row.ext?.startsWith('{') ? JSON.parse(row.ext) : undefined,
    },
  }
}
