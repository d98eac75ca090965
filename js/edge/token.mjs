// @ts-check
/** Whose token a request carries: what names the object, before any object is touched. Go checks the token again there. */

const LONGEST = 4096
const LEEWAY = 5 // seconds that two clocks may be apart

/** @type {{ secret: string, key: Promise<CryptoKey> } | undefined} */
let imported

/**
 * The account of a good HS256 token in the Authorization header, or among a WebSocket's subprotocols; undefined without one.
 * @param {Request} request
 * @param {{ RECENTS_TOKEN_SECRET?: string }} env
 * @returns {Promise<string | undefined>}
 */
export async function tokenAccount(request, env) {
  const token = bearer(request)
  const secret = env.RECENTS_TOKEN_SECRET
  if (token === undefined || !secret || token.length > LONGEST) return undefined
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    if (JSON.parse(decode(parts[0])).alg !== 'HS256' || !await signed(parts, secret)) return undefined
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

/** @param {string[]} parts @param {string} secret */
async function signed([header, payload, signature], secret) {
  if (imported?.secret !== secret) {
    const key = crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
    imported = { secret, key }
  }
  return crypto.subtle.verify('HMAC', await imported.key, bytes(signature), new TextEncoder().encode(`${header}.${payload}`))
}

/** @param {string} base64url */
function bytes(base64url) {
  return Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0))
}

/** @param {string} base64url */
function decode(base64url) {
  return new TextDecoder().decode(bytes(base64url))
}
