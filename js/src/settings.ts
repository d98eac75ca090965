import { logTo, type Log } from './log.js'
import { read } from './params.js'
import { badParam } from './result.js'
import { MaxID, MaxPage } from './wire.gen.js'

/** {@link ConnectOptions}, checked, with its defaults in place. */
export interface Settings {
  /** Without a slash at the end. */
  url: string
  account: string
  token: string | (() => unknown)
  storage: boolean
  maxCached: number
  echoOwn: boolean
  /** Whether writes are refused while offline, instead of queued. */
  reject: boolean
  key: CryptoKey | undefined
  wasmUrl: string | undefined
  log: Log
}

const defaultMaxCached = 10_000
const mostCached = 1_000_000 // above it, the browser's memory is the bound

/** Reads what connect was given, which may be anything; throws a Refusal that names the option. */
export function readSettings(options: unknown): Settings {
  if (typeof options !== 'object' || options === null) throw badParam('options: is not an object')
  const get = (name: string): unknown => read(name, options)
  return {
    url: readUrl(get('url')),
    account: readAccount(get('account')),
    token: readToken(get('token')),
    storage: oneOf('storage', get('storage'), ['indexeddb', 'memory']) !== 'memory',
    maxCached: readMaxCached(get('maxCachedSessions')),
    reject: oneOf('offlineWrites', get('offlineWrites'), ['queue', 'reject']) === 'reject',
    echoOwn: readFlag('echoOwnUpdates', get('echoOwnUpdates')),
    key: readKey(get('encryptionKey')),
    wasmUrl: readWasmUrl(get('wasmUrl')),
    log: readLog(get('logger')),
  }
}

/** The logger alone, to tell of options that were refused. */
export function readLog(logger: unknown): Log {
  if (logger !== undefined && (typeof logger !== 'object' || logger === null)) throw badParam('logger: is not an object')
  return logTo(logger)
}

function readUrl(value: unknown): string {
  if (typeof value !== 'string' && !(value instanceof URL)) throw badParam(`url: is ${kindOf(value)}, not a string`)
  let url: URL
  try {
    url = new URL(value)
  } catch {
    throw badParam(`url: ${show(String(value))} is not an absolute URL`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw badParam(`url: ${show(url.protocol)} is not http: or https:`)
  if (url.username || url.password) throw badParam('url: holds a user name or a password')
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/** The rule of core.CheckID, here for the database's name and the boot path. */
function readAccount(value: unknown): string {
  if (typeof value !== 'string') throw badParam(`account: is ${kindOf(value)}, not a string`)
  if (value === '') throw badParam('account: is empty')
  if (/\p{Surrogate}/u.test(value)) throw badParam('account: holds a lone surrogate')
  const bytes = new TextEncoder().encode(value).length
  if (bytes > MaxID) throw badParam(`account: ${bytes} bytes is over ${MaxID}`)
  if (/\p{Cc}/u.test(value)) throw badParam('account: holds a control character')
  if (value.includes('/')) throw badParam(`account: ${show(value)} holds /`)
  return value
}

function readToken(value: unknown): Settings['token'] {
  if (typeof value === 'function') return value as () => unknown
  if (typeof value !== 'string') throw badParam(`token: is ${kindOf(value)}, not a string or a function`)
  const wrong = whyNoToken(value)
  if (wrong) throw badParam(`token: ${wrong}`)
  return value
}

/**
 * Why a text cannot be sent as a token, '' when it can: it travels as a header
 * and as the name of a WebSocket subprotocol, and JWTs need no more than this.
 */
export function whyNoToken(token: unknown): string {
  if (typeof token !== 'string') return `is ${kindOf(token)}, not a string`
  if (token === '') return 'is empty'
  return /^[\w.~+-]+$/.test(token) ? '' : 'holds a character that no JWT has'
}

function readMaxCached(value: unknown): number {
  if (value === undefined) return defaultMaxCached
  if (!Number.isInteger(value)) throw badParam(`maxCachedSessions: ${kindOf(value)} is not a whole number`)
  const n = value as number
  if (n < MaxPage || n > mostCached) throw badParam(`maxCachedSessions: ${n} is not within ${MaxPage} and ${mostCached}`)
  return n
}

function readFlag(name: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw badParam(`${name}: ${kindOf(value)} is not true or false`)
  return value === true
}

function readKey(value: unknown): CryptoKey | undefined {
  if (value === undefined) return undefined
  const key = value as CryptoKey
  const fits =
    typeof CryptoKey === 'function' && key instanceof CryptoKey && key.algorithm.name === 'AES-GCM' && key.usages.includes('encrypt') && key.usages.includes('decrypt')
  if (!fits) throw badParam('encryptionKey: is not an AES-GCM CryptoKey that may encrypt and decrypt')
  return key
}

function readWasmUrl(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' && !(value instanceof URL)) throw badParam(`wasmUrl: is ${kindOf(value)}, not a URL`)
  return String(value)
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && allowed.includes(value)) return value
  throw badParam(`${name}: ${typeof value === 'string' ? show(value) : kindOf(value)} is not one of ${allowed.join(', ')}`)
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  return typeof value === 'number' ? String(value) : `a value of type ${typeof value}`
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
