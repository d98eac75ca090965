/** One effect of the core's, as wasm/browser encodes it. */
export interface Effect {
  kind: number
  id: number
  code: number
  path: string
  data: Uint8Array<ArrayBuffer>
}

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
