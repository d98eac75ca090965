import { badParam, Refusal } from './result.js'
import { CallDelete, CallGet, CallList, CallUpdate, CodeTooLarge, MaxBody, MaxKeys, MaxPage } from './wire.gen.js'

/**
 * A call on its way to the core, which checks the values: this side only has to
 * bring over, as JSON and unchanged, whatever an app may pass, and to refuse
 * what JSON cannot carry.
 */
export interface Call {
  kind: number
  body: string
  signal: AbortSignal | undefined
  /** For a list of the newest sessions, which needs no core: how many. */
  newest?: number
}

/**
 * A body above this never reaches the core, whose memory would grow for it and
 * not shrink again. It is well above MaxBody, so that the core can still say
 * which parameter of a somewhat too large body is too long.
 */
const maxText = 16 * MaxBody

/** `(minTimestamp, maxTimestamp, needLastMsg, limit, hasMore, {signal}?)` or `({…, signal}?)`. */
export function listCall(args: readonly unknown[]): Call {
  const names = ['minTimestamp', 'maxTimestamp', 'needLastMsg', 'limit', 'hasMore']
  const [first] = args
  let values: unknown[]
  let options: unknown
  if (isObject(first)) {
    values = names.map((name) => read(name, first))
    options = args[1] ?? first
  } else {
    const split = splitOptions(args, names.length)
    values = split.values
    options = split.options
  }
  const call: Call = { kind: CallList, body: encodeBody(names, values), signal: signalOf(options) }
  const newest = newestOnly(values)
  return newest === undefined ? call : { ...call, newest }
}

/** `(sessionId, sessionType, {signal}?)`. */
export function getCall(args: readonly unknown[]): Call {
  return positional(CallGet, ['sessionId', 'sessionType'], args)
}

/** `(sessionId, sessionType, ext, {signal}?)`. */
export function updateCall(args: readonly unknown[]): Call {
  return positional(CallUpdate, ['sessionId', 'sessionType', 'ext'], args)
}

/** `([{sessionId, sessionType}], {signal}?)`. */
export function deleteCall(args: readonly unknown[]): Call {
  const { values, options } = splitOptions(args, 1)
  const list = encodeKeys(values[0])
  const body = within(list === undefined ? '{}' : `{"sessionList":${list}}`)
  return { kind: CallDelete, body, signal: signalOf(options) }
}

export function isWrite({ kind }: Call): boolean {
  return kind === CallUpdate || kind === CallDelete
}

function positional(kind: number, names: readonly string[], args: readonly unknown[]): Call {
  const { values, options } = splitOptions(args, names.length)
  return { kind, body: encodeBody(names, values), signal: signalOf(options) }
}

/** Options stand behind the last parameter, or in its place when they hold a signal. */
function splitOptions(args: readonly unknown[], count: number): { values: unknown[]; options: unknown } {
  const last = args[args.length - 1]
  if (args.length <= count && isObject(last) && holdsSignal(last)) return { values: args.slice(0, -1), options: last }
  return { values: args.slice(0, count), options: args[count] }
}

function holdsSignal(value: object): boolean {
  try {
    return 'signal' in value
  } catch {
    return false // then it is a bad parameter
  }
}

function signalOf(options: unknown): AbortSignal | undefined {
  if (!isObject(options)) return undefined
  const signal = read('signal', options)
  if (signal === undefined || signal === null) return undefined
  const methods = ['addEventListener', 'removeEventListener']
  if (!isObject(signal) || typeof read('aborted', signal) !== 'boolean' || methods.some((name) => typeof read(name, signal) !== 'function')) {
    throw badParam('signal: is not an AbortSignal')
  }
  return signal as unknown as AbortSignal
}

/** The number of sessions asked for, when the call asks for the newest and for nothing else. */
function newestOnly([min, max, needLastMsg, limit, hasMore]: readonly unknown[]): number | undefined {
  const unbounded = (min === undefined || min === 0) && (max === undefined || max === 0)
  const whole = needLastMsg === undefined || needLastMsg === 1 || needLastMsg === true
  const valid = [undefined, 0, 1, false, true].includes(hasMore as 0)
  if (!unbounded || !whole || !valid) return undefined
  if (limit === undefined) return MaxPage
  return Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= MaxPage ? (limit as number) : undefined
}

function encodeBody(names: readonly string[], values: readonly unknown[]): string {
  const members: string[] = []
  names.forEach((name, i) => {
    const json = encode(name, values[i])
    if (json !== undefined) members.push(`"${name}":${json}`)
  })
  return within(`{${members.join()}}`)
}

function within(body: string): string {
  if (body.length > maxText) throw new Refusal(CodeTooLarge, `body: ${body.length} characters is over ${MaxBody}`)
  return body
}

/** The JSON of one parameter; undefined for an absent one. */
function encode(name: string, value: unknown): string | undefined {
  switch (typeof value) {
    case 'undefined':
      return undefined
    case 'number':
      return encodeNumber(name, value)
    case 'string':
      // TextEncoder would make U+FFFD of a lone surrogate, and another text would be stored.
      if (/\p{Surrogate}/u.test(value)) throw badParam(`${name}: holds a lone surrogate`)
      return JSON.stringify(value)
    case 'boolean':
      return String(value)
    case 'object':
      return encodeObject(name, value)
    default:
      throw badParam(`${name}: is a ${typeof value}`)
  }
}

/** JSON has no NaN and no Infinity, and writes null for them. */
function encodeNumber(name: string, value: number): string {
  if (!Number.isFinite(value) && numbers.has(name)) throw badParam(`${name}: ${value} is not a number`)
  return JSON.stringify(value)
}

const numbers = new Set(['minTimestamp', 'maxTimestamp', 'limit'])

/** No parameter is an object: this brings over just enough for the core to show it. */
function encodeObject(name: string, value: object | null): string {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch {
    // A cycle, a BigInt, a getter or a Proxy that throws: whatever was thrown is the app's own.
  }
  if (json === undefined) throw badParam(`${name}: cannot be written as JSON`)
  return json
}

function encodeKeys(sessions: unknown): string | undefined {
  if (!isArray(sessions)) return encode('sessionList', sessions)
  const length = read('length', sessions) as number
  // Also because a hole of 2^32-1 elements is one expression away.
  if (length > MaxKeys) throw badParam(`sessionList: ${length} keys is not within 1 and ${MaxKeys}`)
  const items: string[] = []
  for (let i = 0; i < length; i++) items.push(encodeKey(`sessionList: ${i}`, read(String(i), sessions)))
  return `[${items.join()}]`
}

function encodeKey(name: string, key: unknown): string {
  if (!isObject(key)) return encode(name, key) ?? 'null'
  const members: string[] = []
  for (const member of ['sessionId', 'sessionType']) {
    const json = encode(`${name}: ${member}`, read(member, key))
    if (json !== undefined) members.push(`"${member}":${json}`)
  }
  return `{${members.join()}}`
}

function isArray(value: unknown): value is object {
  try {
    return Array.isArray(value)
  } catch {
    return false // a revoked Proxy
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isArray(value)
}

/** Reads a member of an app's object, which may be a getter or a Proxy that throws. */
export function read(name: string, from: object): unknown {
  try {
    return (from as Record<string, unknown>)[name]
  } catch {
    throw badParam(`${name}: cannot be read`)
  }
}
