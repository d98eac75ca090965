// @ts-check
/** Whose token a request carries: what names the object, before any object is touched. Go checks the token again there. */

const LONGEST = 4096
const LEEWAY = 5 // seconds that two clocks may be apart

/** Keys are imported once: by algorithm, what they were made of. @type {Record<string, { text: string, key: Promise<CryptoKey> }>} */
const imported = {}

/**
 * The account of a good token, HS256 or EdDSA by which key is there, in the Authorization header, or among a WebSocket's subprotocols; undefined without one.
 * @param {Request} request
 * @param {{ RECENTS_TOKEN_SECRET?: string, RECENTS_TOKEN_PUBLIC_KEY?: string }} env
 * @returns {Promise<string | undefined>}
 */
export async function tokenAccount(request, env) {
  const token = bearer(request)
  if (token === undefined || token.length > LONGEST) return undefined
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    if (!await signed(parts, env)) return undefined
    const { sub, exp } = JSON.parse(decode(parts[1]))
    return typeof sub === 'string' && sub !== '' && exp + LEEWAY > Date.now() / 1000 ? sub : undefined
  } catch {
    return undefined // no base64, no JSON: Go says what is wrong with it
  }
}

/** @param {Request} request */
function bearer(request) {
  const offered = request.headers.get('Sec-WebSocket-Protocol')?.split(',').map(p => p.trim()).find(p => p.startsWith('bearer.'))
  if (offered !== undefined) return offered.slice('bearer.'.length)
  return request.headers.get('Authorization')?.match(/^Bearer +(\S+)\s*$/i)?.[1]
}

/** @param {string[]} parts @param {{ RECENTS_TOKEN_SECRET?: string, RECENTS_TOKEN_PUBLIC_KEY?: string }} env */
async function signed([header, payload, signature], env) {
  const { alg } = JSON.parse(decode(header))
  const key = await keyFor(alg, env)
  const data = new TextEncoder().encode(`${header}.${payload}`)
  return key !== undefined && crypto.subtle.verify(key.algorithm.name, key, bytes(signature), data)
}

/**
 * The key of an algorithm, undefined without one: a token's own word for its algorithm is never believed.
 * @param {unknown} alg @param {{ RECENTS_TOKEN_SECRET?: string, RECENTS_TOKEN_PUBLIC_KEY?: string }} env
 */
function keyFor(alg, env) {
  if (alg === 'HS256') return once(alg, env.RECENTS_TOKEN_SECRET, importSecret)
  if (alg === 'EdDSA') return once(alg, env.RECENTS_TOKEN_PUBLIC_KEY, importPublic)
  return undefined
}

/** @param {string} alg @param {string | undefined} text @param {(text: string) => Promise<CryptoKey>} make */
function once(alg, text, make) {
  if (!text) return undefined
  if (imported[alg]?.text !== text) imported[alg] = { text, key: make(text) }
  return imported[alg].key
}

/** @param {string} secret */
function importSecret(secret) {
  return crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

/** PEM, or base64 of 32 bytes. @param {string} text */
function importPublic(text) {
  const pem = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/.exec(text)
  const data = bytes((pem?.[1] ?? text).replaceAll(/\s/g, ''))
  return crypto.subtle.importKey(pem ? 'spki' : 'raw', data, { name: 'Ed25519' }, false, ['verify'])
}

/** @param {string} base64url */
function bytes(base64url) {
  return Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0))
}

/** @param {string} base64url */
function decode(base64url) {
  return new TextDecoder().decode(bytes(base64url))
}
