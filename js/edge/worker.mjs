// @ts-check
/** The front of the worker, and the objects behind it: one for each account and one for each group. */
import { DurableObject } from 'cloudflare:workers'
import { Call, answer } from './bridge.mjs'
import { readBody } from './body.mjs'
import { tokenAccount } from './token.mjs'
import { serveSite } from './site.mjs'

/** How many other objects one object talks to at once: the platform lets six connections wait for their first byte. */
const CONCURRENCY = 6

/** How long an answer waits for its message to reach the others, ms. It is durable before. */
const FIRST_ROUND = 1000

const text = new TextEncoder()

export default {
  /** @param {Request} request @param {any} env */
  async fetch(request, env) {
    return await serveSite(request, env) ?? await toObject(request, env)
  },
}

/**
 * Sends a request to the object that it belongs to. Whose token it is decides; what carries none that is good is answered
 * here, and so is what belongs to no object. The server key has no limit of its address.
 * @param {Request} request @param {any} env
 */
async function toObject(request, env) {
  const account = await tokenAccount(request, env)
  if (account !== undefined) return await tooOften(request, env) ? refuse(request, 416, env) : ask(env.ACCOUNTS, account, request, env)
  const body = await readBody(request)
  const home = await homeOf(request, body, env)
  if (home.account !== '') return ask(env.ACCOUNTS, home.account, copyOf(request, body), env)
  if (home.team !== '') return ask(env.TEAMS, home.team, copyOf(request, body), env)
  if (!home.server && await tooOften(request, env)) return refuse(request, 416, env)
  const response = await answer(request, body, env)
  return isHandshake(request, response) ? seatSocket(response) : response
}

/** @param {Request} request @param {Uint8Array | null} body @param {any} env */
async function homeOf(request, body, env) {
  if (body === null || env.RECENTS_SERVER_KEY === undefined) return { account: '', team: '', server: false }
  return JSON.parse(await new Call({ operation: 'home', request, body }).operate(env))
}

/** @param {Request} request @param {Uint8Array | null} body that was read of it */
function copyOf(request, body) {
  return new Request(request.url, { method: request.method, headers: request.headers, body: /** @type {BodyInit | null} */ (body) })
}

/**
 * An object's answer. One that is overloaded, moves or was ended just now gives none: whether it has done what it was asked
 * nobody knows, so the caller asks again, as it does when an answer is lost.
 * @param {any} objects @param {string} name @param {Request} request @param {any} env
 */
async function ask(objects, name, request, env) {
  try {
    return await objects.get(objects.idFromName(name)).fetch(request)
  } catch (error) {
    console.error('an object does not answer', error)
    return refuse(request, 503, env)
  }
}

/** Go's answer to what is not passed on. @param {Request} request @param {number} code @param {any} env */
function refuse(request, code, env) {
  return answer(request, null, env, code)
}

/** Whether the caller's address is over its rate, where the platform counts it. @param {Request} request @param {any} env */
async function tooOften(request, env) {
  const address = request.headers.get('CF-Connecting-IP')
  if (env.ADDRESSES === undefined || address === null) return false
  return !(await env.ADDRESSES.limit({ key: networkOf(address) })).success
}

/** An IPv4 address, or the first 64 bits of an IPv6 one: a host has a whole such network. @param {string} address */
function networkOf(address) {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':'), after = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array(zeros).fill('0'), ...after].slice(0, 4).join(':')
}

/** Parcels by whom they go to, as Go hands them out. @typedef {{ to: string, ids: number[], parcels: string[] }[]} Batch */

/** One account: its sessions, its sockets, and what it has for others. */
export class Account extends DurableObject {
  #name = ''
  /** @type {number | null} */ #alarm = null
  /** @type {Promise<void> | undefined} */ #carrying
  #more = false
  /** @type {((value?: undefined) => void)[]} answers that wait for a batch to be carried */ #rounds = []

  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env)
    this.#name = ctx.id.name ?? ''
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    ctx.blockConcurrencyWhile(async () => {
      this.#alarm = await ctx.storage.getAlarm()
      this.#name = JSON.parse(await this.#operate('migrate'))
    })
  }

  /** @param {Request} request */
  async fetch(request) {
    const body = await readBody(request)
    let call = this.#call({ request, body, idle: this.#carrying === undefined })
    let response = await call.run(this.env, this.#wake)
    if (call.missingTeam !== '') {
      const teams = this.env.TEAMS
      call = call.with(await teams.get(teams.idFromName(call.missingTeam)).team(call.missingTeam))
      response = await call.run(this.env, this.#wake)
    }
    if (call.posted) await this.#firstRound(call.batch === '' ? undefined : JSON.parse(call.batch))
    return isHandshake(request, response) ? seatSocket(response, this.ctx) : response
  }

  /** Delivers what another object has for this one: parcels, as Go wrote them. @param {string[]} parcels */
  async accept(parcels) {
    await this.#operate('accept', JSON.stringify(parcels))
  }

  /** This object's group as JSON. @param {string} key */
  async team(key) {
    return this.#operate('team', key)
  }

  /** @param {any} socket @param {string | ArrayBuffer} frame */
  async webSocketMessage(socket, frame) {
    if (typeof frame !== 'string') return socket.close(1003, 'frames are text')
    await this.#operate('hear', frame, [socket])
  }

  /** @param {any} socket @param {number} code */
  webSocketClose(socket, code) {
    socket.close(code === 1005 || code === 1006 ? 1000 : code)
  }

  async alarm() {
    this.#alarm = null
    await this.#carry()
    await this.#operate('wake')
  }

  /** @param {ConstructorParameters<typeof Call>[0]} of */
  #call(of) {
    return new Call({ name: this.#name, storage: this.ctx.storage, sockets: this.ctx.getWebSockets(), ...of })
  }

  #operate(/** @type {string} */ operation, body = '', sockets = this.ctx.getWebSockets()) {
    return this.#call({ operation, body: text.encode(body), sockets }).operate(this.env, this.#wake)
  }

  /** @param {number} time ms, 0 for never */
  #wake = time => this.#wakeAt(time === 0 ? null : time)

  /** Sets the alarm in the turn of the call that asks for it, so that both are stored or neither. @param {number | null} time */
  #wakeAt(time) {
    if (time === this.#alarm) return
    this.#alarm = time
    this.ctx.waitUntil(time === null ? this.ctx.storage.deleteAlarm() : this.ctx.storage.setAlarm(time))
  }

  /**
   * Waits until those that a message goes to first have it, or for as long as an answer may wait. One to many is carried on
   * after its answer.
   * @param {Batch} [batch] the first, when nobody carried as it was posted
   */
  async #firstRound(batch) {
    const carried = this.#carry(batch).catch(error => console.error('the outbox waits for its alarm', error))
    this.ctx.waitUntil(carried)
    const round = new Promise(resolve => { this.#rounds.push(resolve) })
    await Promise.race([carried, round, scheduler.wait(FIRST_ROUND)])
  }

  /** Carries what is in the outbox and due. What fails stays, and the alarm tries again. @param {Batch} [batch] the first */
  #carry(batch) {
    this.#more ||= batch === undefined || this.#carrying !== undefined
    this.#carrying ??= this.#carryAll(batch ?? []).finally(() => { this.#carrying = undefined })
    return this.#carrying
  }

  /** @param {Batch} batch */
  async #carryAll(batch) {
    for (;;) {
      while (batch.length > 0) batch = await this.#carryBatch(batch)
      if (!this.#more) return
      this.#more = false
      batch = JSON.parse(await this.#operate('next'))
    }
  }

  /** Carries a batch, and returns the next. @param {Batch} batch */
  async #carryBatch(batch) {
    const next = JSON.parse(await this.#operate('settle', JSON.stringify(await this.#deliver(batch))))
    for (const done of this.#rounds.splice(0)) done()
    if (next.length > 0) await scheduler.wait(1) // a runtime comes to its sockets, this answer's too, only when nothing is left to run
    return next
  }

  /** @param {Batch} batch */
  async #deliver(batch) {
    const done = /** @type {number[]} */ ([]), failed = /** @type {number[]} */ ([])
    const accounts = this.env.ACCOUNTS
    const waiting = batch.values()
    const lane = async () => {
      for (const { to, ids, parcels } of waiting) {
        const [outcome] = await Promise.allSettled([accounts.get(accounts.idFromName(to)).accept(parcels)])
        ;(outcome.status === 'fulfilled' ? done : failed).push(...ids)
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, lane))
    return { done, failed }
  }
}

/** One group: its owner, managers and members. It has no sockets and nothing to carry. */
export class Team extends Account {}

/** @param {Request} request @param {Response} response */
function isHandshake(request, response) {
  return response.ok && request.headers.get('Upgrade')?.toLowerCase() === 'websocket'
}

/**
 * Accepts the socket that Go has found a seat for, which outlives the object's sleep from then on; or closes it with what Go
 * says, since a page sees nothing of a refused handshake.
 * @param {Response} response
 * @param {any} [ctx] of the object, where there is one
 */
async function seatSocket(response, ctx) {
  const { data } = await response.json()
  const { 0: client, 1: server } = new WebSocketPair()
  if (data.code === 0) {
    ctx.acceptWebSocket(server)
    server.serializeAttachment({ account: data.account, expires: data.expires })
  } else {
    server.accept()
    server.close(data.code, data.reason)
  }
  return new Response(null, { status: 101, webSocket: client, headers: { 'Sec-WebSocket-Protocol': 'recents.v1' } })
}
