import { connect, type Client, type RecentSessionList } from 'recents'
import { Loopback } from '../loopback.js'
import { changes, sessions } from '../rows.js'
import { options } from './address.js'
import { each, Listener, type Peer } from './peer.js'

/** What a page of ours can be told beside what all can. */
interface Ours extends Peer {
  /** Reads the text of a page of 100 so many times with JSON.parse alone. Returns ms a time. */
  parse(times: number): Promise<number>
  /** Reads the texts of so many pages of 100, each below the one before, with JSON.parse alone. Returns ms a page. */
  parsePaging(pages: number): Promise<number>
  /** Makes ready what the server sends when it is next filled: no part of the client's work. */
  prepare(count: number): Promise<void>
  /** Asks for the newest 100 so many times, each in a task of its own. */
  lists(times: number): Promise<void>
  /** Takes changes like update, `each` at once, with a wait of so many ms between. */
  trickle(count: number, each: number, wait: number): Promise<void>
  /** Bytes of the core's memory. */
  memory(): number
  /** Starts from what is stored, without a server, and asks for a list a second later. */
  load(count: number): Promise<void>
  close(): Promise<void>
}

declare global {
  interface Window {
    recents: Ours
  }
}

/** Changes that are sent before the client has told of those before: a server ends a client that falls behind by megabytes. */
const mostAhead = 1000

let server: Loopback
let prepared: Loopback | undefined
let client: Client
let held = 0
let taken = 0

/** The core's memory, which nothing but its program's exports leads to. */
let memory: WebAssembly.Memory | undefined
const { instantiate } = WebAssembly
WebAssembly.instantiate = (async (program: WebAssembly.Module, imports?: WebAssembly.Imports) => {
  const instance = await instantiate(program, imports)
  memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory)
  return instance
}) as typeof WebAssembly.instantiate

/** Resolves when the browser says that the log is stored as far as `seq`, with the time of that. */
function stored(seq: number): Promise<number> {
  const { put } = IDBObjectStore.prototype
  return new Promise((resolve) => {
    IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: { cursor?: number }, key?: IDBValidKey) {
      if (this.name === 'meta' && value.cursor === seq) {
        this.transaction.addEventListener('complete', () => {
          IDBObjectStore.prototype.put = put
          resolve(performance.now())
        })
      }
      return put.call(this, value, key)
    }
  })
}

/** A live client of a server that holds the sessions, all of them stored. Returns when they were. */
async function start(count: number): Promise<number> {
  await client?.logout({ wipe: true })
  server = prepared ?? new Loopback(sessions(count))
  prepared = undefined
  const whole = stored(count)
  const at = await watched(async () => {
    client = connect(options)
    await client.ready
    return whole
  })
  await until(() => client.status.connection === 'live')
  held = count
  taken = 0
  return at
}

function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (holds()) return resolve()
    const { cancel } = client.onStatus.listen(() => {
      if (!holds()) return
      cancel()
      resolve()
    })
  })
}

/** Marks in a trace where what is watched begins and ends: what the page prepares for it is no doing of the client's. */
async function watched<T>(work: () => Promise<T>): Promise<T> {
  await task()
  performance.mark('begin')
  const result = await work()
  performance.mark('end')
  return result
}

/** Resolves in a task of its own. */
function task(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The newest 100 sessions; `maxTimestamp`: of those that are not newer. */
async function list(maxTimestamp = 0): Promise<RecentSessionList> {
  const { data, fresh } = await client.messageService.queryMySessionList({ limit: 100, maxTimestamp })
  if (!fresh) throw new Error('the list is not live')
  return data!
}

async function newest(): Promise<unknown[]> {
  return (await list()).sessionList
}

/** A function that returns the newest page the first time, and then the one below each time. */
function walk(): () => Promise<RecentSessionList> {
  let next = 0
  return async () => {
    const page = await list(next)
    next = page.nextMaxTimestamp
    return page
  }
}

/** A result's text, as the core has it. */
function textOf(data: RecentSessionList): string {
  return JSON.stringify({ code: 0, data, errorDetails: '' })
}

async function update(count: number, size: number): Promise<number> {
  const ahead = Math.ceil(mostAhead / size)
  const frames = server.frames(changes(count, held, held + taken, taken), size)
  taken += count
  const listener = new Listener()
  const { cancel } = client.messageService.onMySessionUpdate.listen(listener.hear)
  const whole = stored(server.seq)
  let began = 0
  const ended = await watched(async () => {
    began = performance.now()
    for (let at = 0; at < frames.length; at += ahead) {
      server.send(frames.slice(at, at + ahead))
      await listener.until(Math.min(at + ahead, frames.length) * size)
    }
    return whole
  })
  cancel()
  if (listener.told !== count) throw new Error(`${listener.told} of ${count} changes were told`)
  return (1000 * count) / (ended - began)
}

const ours: Ours = {
  fill: async (count) => void (await start(count)),
  write: async (count) => (await start(count)) - server.asked,
  page: (times) => each(times, newest),
  update,

  async parse(times) {
    const text = textOf(await list())
    return each(times, async () => JSON.parse(text).data.sessionList)
  },

  paging(pages) {
    const below = walk()
    return each(pages, async () => (await below()).sessionList)
  },

  async parsePaging(pages) {
    const below = walk()
    const texts: string[] = []
    for (let i = 0; i < pages; i++) texts.push(textOf(await below()))
    let i = 0
    return each(pages, async () => JSON.parse(texts[i++]!).data.sessionList)
  },

  prepare: async (count) => void (prepared = new Loopback(sessions(count))),

  async lists(times) {
    await watched(async () => {
      for (let i = 0; i < times; i++) {
        await task()
        await newest()
      }
    })
  },

  async trickle(count, size, wait) {
    const frames = server.frames(changes(count, held, held + taken, taken), size)
    taken += count
    const whole = stored(server.seq)
    await watched(async () => {
      for (const frame of frames) {
        server.send([frame])
        await task(wait) // the pace, and no wait for anything
      }
      await whole
    })
  },

  memory: () => memory!.buffer.byteLength,

  async load(count) {
    await watched(async () => {
      client = connect(options)
      await client.ready
      await task(1000) // what the start leaves for later
      await client.messageService.queryMySessionList()
    })
    if (client.status.cached !== count) throw new Error(`${client.status.cached} sessions are cached, not ${count}`)
  },

  close: () => client.close(),
}

window.bench = window.recents = ours
