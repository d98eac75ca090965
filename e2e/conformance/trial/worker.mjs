// @ts-check
/**
 * The worker as its tests run it: the same script and the same module, with a look inside and faults on demand under /trial/.
 * Nothing of it is in what is deployed.
 */
import worker, { Account as RealAccount, Team as RealTeam } from '../../../js/edge/worker.mjs'
import { Call } from '../../../js/edge/bridge.mjs'

/** What tests look at. The front and all objects are in one isolate, so asking wakes no object. */
const seen = {
  requests: 0, // that the front was sent
  starts: 0, // of the Go instance
  made: /** @type {Record<string, number>} */ ({}), // how often each object's constructor ran
}

/** @type {WebAssembly.Memory | undefined} of the newest instance */ let memory

/** What is to go wrong, by name and object, and how many times more. @type {Map<string, number>} */
const faults = new Map()

/** @param {string} fault @param {string} name */
function strikes(fault, name) {
  const key = `${fault} ${name}`, left = faults.get(key) ?? 0
  if (left > 0) faults.set(key, left - 1)
  return left > 0
}

const instantiate = WebAssembly.instantiate.bind(WebAssembly)
WebAssembly.instantiate = /** @type {any} */ (async (/** @type {WebAssembly.Module} */ module, /** @type {any} */ imports) => {
  const started = await instantiate(module, imports)
  seen.starts++
  memory = /** @type {WebAssembly.Memory} */ (started.exports.mem)
  return started
})

const { rows } = Call.prototype

/**
 * "exception": the write is done, and then its call ends with an exception. "panic": a read brings a text where Go knows of a
 * number.
 */
Call.prototype.rows = function (/** @type {string} */ text, /** @type {any[]} */ args) {
  const done = [...rows.call(this, text, args)]
  if (text.startsWith('INSERT INTO sessions') && strikes('exception', this.name)) throw new Error('on trial: after the write')
  if (done.length === 0 || !strikes('panic', this.name)) return done
  return done.map(row => row.map(v => typeof v === 'number' ? 'panic' : v))
}

export class Account extends RealAccount {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env)
    const name = ctx.id.name ?? ''
    seen.made[name] = (seen.made[name] ?? 0) + 1
  }

  /** "refuse": the parcels are not taken. "forget": they are, and the answer is lost. @override @param {string[]} parcels */
  async accept(parcels) {
    const name = /** @type {any} */ (this).ctx.id.name
    if (strikes('refuse', name)) throw new Error('on trial: before the delivery')
    await super.accept(parcels)
    if (strikes('forget', name)) throw new Error('on trial: after the delivery')
  }

  /** Ends the object as a deploy does. */
  end() {
    /** @type {any} */ (this).ctx.abort('on trial: ended')
  }

  /** Where the account's log ends. */
  head() {
    const [row] = /** @type {any} */ (this).ctx.storage.sql.exec('SELECT seq FROM accounts')
    return row?.seq ?? 0
  }

  sockets() {
    return /** @type {any} */ (this).ctx.getWebSockets().length
  }
}

export class Team extends RealTeam {}

export default {
  /** @param {Request} request @param {any} env */
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/trial/')) return Response.json(await trials[pathname.slice('/trial/'.length)](await request.json(), env))
    seen.requests++
    if (pathname === '/metrics') return new Response(`recents_sockets ${await countSockets(env)}\n`)
    return worker.fetch(request, { ...env, ACCOUNTS: new Overloaded(env.ACCOUNTS), ADDRESSES: addresses })
  },
}

/** @type {Record<string, (of: any, env: any) => unknown>} */
const trials = {
  state: () => ({ ...seen, memory: memory?.buffer.byteLength ?? 0 }),
  arm: ({ fault, name, times }) => faults.set(`${fault} ${name}`, times).size,
  heads: ({ names }, env) => headsOf(env, names),
  end: async ({ name }, env) => {
    await Promise.allSettled([stub(env, name).end()]) // the one that is ended cannot answer
    return null
  },
}

/** @param {any} env @param {string[]} names */
async function headsOf(env, names) {
  const heads = []
  for (const name of names) heads.push(await stub(env, name).head())
  return heads
}

/** @param {any} env @param {string} name */
function stub(env, name) {
  return env.ACCOUNTS.get(env.ACCOUNTS.idFromName(name))
}

/** @param {any} env */
async function countSockets(env) {
  let all = 0
  for (const name of Object.keys(seen.made)) all += await stub(env, name).sockets()
  return all
}

/** The platform's rate limit, which the runtime alone does not have. "flood": an address calls too often. */
const addresses = {
  limit: async (/** @type {{ key: string }} */ { key }) => ({ success: !strikes('flood', key) }),
}

/** "overloaded": an object refuses a request, as the platform says it. */
class Overloaded {
  #objects
  /** @type {Map<any, string>} */ #names = new Map()

  constructor(/** @type {any} */ objects) {
    this.#objects = objects
  }

  idFromName(/** @type {string} */ name) {
    const id = this.#objects.idFromName(name)
    this.#names.set(id, name)
    return id
  }

  get(/** @type {any} */ id) {
    const real = this.#objects.get(id), name = this.#names.get(id) ?? ''
    return {
      fetch: async (/** @type {Request} */ request) => {
        if (strikes('overloaded', name)) throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true })
        if (strikes('broken', name)) throw new Error('on trial: the object broke')
        return real.fetch(request)
      },
    }
  }
}
