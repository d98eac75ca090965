import type { RecentSession } from './api.js'
import { FrameSeparator } from './wire.gen.js'

/** One effect of the core's, as wasm/browser encodes it. */
export interface Effect {
  kind: number
  id: number
  code: number
  path: string
  data: Uint8Array<ArrayBuffer>
}

const separator = String.fromCharCode(FrameSeparator)

/** Bytes before an effect's path: kind, id, code and two lengths. */
const headerLength = 25

const decoder = new TextDecoder()

/** Reads the effects of one event. Their data are views of `bytes`. */
export function decodeEffects(bytes: Uint8Array<ArrayBuffer>): Effect[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const effects: Effect[] = []
  for (let at = 0; at < bytes.length; ) {
    const path = at + headerLength
    const data = path + view.getUint32(at + 17, true)
    const end = data + view.getUint32(at + 21, true)
    effects.push({
      kind: view.getUint8(at),
      id: view.getFloat64(at + 1, true),
      code: view.getFloat64(at + 9, true),
      path: data > path ? decoder.decode(bytes.subarray(path, data)) : '', // most have none, and a decoder takes a while to see that
      data: bytes.subarray(data, end),
    })
    at = end
  }
  return effects
}

/** The text of an effect's data. */
export function textIn(data: Uint8Array<ArrayBuffer>): string {
  return decoder.decode(data)
}

/** The sessions of an FxUpdates or FxTexts: an array, and behind it the last messages, in whose places stands a 0. */
export function sessionsIn(data: Uint8Array<ArrayBuffer>): RecentSession[] {
  const [array, ...texts] = textIn(data).split(separator)
  const sessions: RecentSession[] = JSON.parse(array!)
  let next = 0
  for (const session of sessions) {
    if ((session.lastMsg as unknown) === 0) session.lastMsg = alone(texts[next++]!)
  }
  return sessions
}

/** The text without the one that it is a part of, which the engine would keep for as long as this one. */
function alone(text: string): string {
  return ` ${text}`.slice(1)
}
