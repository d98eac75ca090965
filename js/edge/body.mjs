// @ts-check

/** The longest body that any call takes is 1 MiB; one byte more tells Go that there is more. */
const LONGEST = (1 << 20) + 1

/**
 * Reads a request's body before Go runs, which cannot wait for it. Of one that is too long no more is read than Go needs to
 * refuse it.
 * @param {Request} request
 * @returns {Promise<Uint8Array | null>}
 */
export async function readBody(request) {
  const told = request.headers.get('Content-Length')
  if (request.body === null || Number(told) >= LONGEST) return null
  if (told !== null) return new Uint8Array(await request.arrayBuffer()) // the runtime holds a sender to its word
  const chunks = []
  let length = 0
  for await (const chunk of request.body) {
    chunks.push(chunk)
    length += chunk.byteLength
    if (length >= LONGEST) break
  }
  return join(chunks, length)
}

/** @param {Uint8Array[]} chunks @param {number} length */
function join(chunks, length) {
  if (chunks.length === 1) return chunks[0]
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.byteLength
  }
  return all
}
