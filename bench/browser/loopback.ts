import { wireRow, type Session } from './rows.js'

/** Rows a snapshot page, as the SDK asks for. */
const pageRows = 500

/** How long frames are handed over in one task, ms. */
const longestTask = 4

const epoch = 'bench'

/**
 * A server of ours inside the page: what it sends is there before it is asked for, so that what is measured is the client's
 * side alone. It takes the place of the page's fetch and WebSocket for one URL.
 */
export class Loopback {
  readonly url = 'http://loopback.invalid'
  /** When the first page of the snapshot was asked for, ms; 0: not yet. */
  asked = 0
  #seq: number
  #socket: FakeSocket | undefined
  readonly #pages = new Map<number, Uint8Array<ArrayBuffer>>()

  /** `held` are oldest first. */
  constructor(held: readonly Session[]) {
    this.#seq = held.length
    for (let end = held.length; end > 0; end -= pageRows) this.#addPage(held, Math.max(0, end - pageRows), end)
    this.#intercept()
  }

  #addPage(held: readonly Session[], start: number, end: number): void {
    const rows = held.slice(start, end).map((session, i) => wireRow(session, start + i + 1)).reverse()
    const more = start > 0
    const nextMaxTime = more ? held[start]!.updateTime - 1 : 0
    const maxTime = end === held.length ? 0 : held[end]!.updateTime - 1
    const data = `{"epoch":"${epoch}","asOf":${held.length},"rows":[${rows.join()}],"more":${more},"nextMaxTime":${nextMaxTime}}`
    this.#pages.set(maxTime, new TextEncoder().encode(`{"code":200,"data":${data}}`))
  }

  #intercept(): void {
    const { fetch } = globalThis
    globalThis.fetch = async (input, init) => (String(input).startsWith(this.url) ? this.#answer(String(input), init?.body) : fetch(input, init))
    const server = this
    globalThis.WebSocket = class extends FakeSocket {
      constructor() {
        super(server.#seq)
        server.#socket = this
      }
    } as unknown as typeof WebSocket
  }

  #answer(url: string, body: BodyInit | null | undefined): Response {
    const asked = JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body as Uint8Array))
    if (url.endsWith('/v1/snapshot')) {
      this.asked ||= performance.now()
      return new Response(this.#pages.get(asked.maxTime))
    }
    if (!url.endsWith('/v1/sync')) return new Response('{"code":503,"errorDetails":"not here"}', { status: 503 })
    const seq = this.#seq
    return Response.json({ code: 200, data: { v: 1, epoch, from: asked.cursor, next: seq, head: seq, more: false, rows: [], lastMid: 0, serverTime: Date.now() } })
  }

  /** The frames of changes, `each` of them in one. The log goes on with them. */
  frames(changed: readonly Session[], each: number): string[] {
    const frames: string[] = []
    for (let at = 0; at < changed.length; at += each) {
      const part = changed.slice(at, at + each)
      const from = this.#seq
      const rows = part.map((session, i) => wireRow(session, from + i + 1))
      this.#seq += part.length
      frames.push(received(`{"t":"delta","epoch":"${epoch}","from":${from},"to":${this.#seq},"rows":[${rows.join()}],"lastMid":0}`))
    }
    return frames
  }

  /** Has the frames arrive like a socket's backlog: those that are there in one task, for as long as a frame of the screen has room. */
  send(frames: readonly string[]): void {
    const { port1, port2 } = new MessageChannel()
    let next = 0
    port1.onmessage = () => {
      const began = performance.now()
      while (next < frames.length && performance.now() - began < longestTask) this.#socket?.onmessage?.({ data: frames[next++]! })
      if (next < frames.length) port2.postMessage(null)
      else port1.close()
    }
    port2.postMessage(null)
  }

  /** The place of the newest change in the log. */
  get seq(): number {
    return this.#seq
  }
}

/** The text as a socket hands it over: decoded, in one piece. What was put together of pieces is copied by the one who reads it first. */
function received(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text))
}

/** A WebSocket whose server is there at once. */
class FakeSocket {
  onopen?: () => void
  onmessage?: (event: { data: string }) => void
  onclose?: (event: { code: number }) => void
  readyState = 0

  constructor(readonly seq: number) {
    queueMicrotask(() => {
      this.readyState = 1
      this.onopen?.()
    })
  }

  send(text: string): void {
    const ready = `{"t":"ready","epoch":"${epoch}","head":${this.seq},"v":1,"lastMid":0,"heartbeatMs":25000,"tokenExpiresIn":86400000}`
    queueMicrotask(() => this.onmessage?.({ data: text === 'ping' ? 'pong' : ready }))
  }

  close(): void {
    this.readyState = 3
  }
}
