/**
 * The service worker: the page's files come from the network while there is one, and else from a saved set.
 *
 * Only a set that has run is saved, all of it at once: a page that has everything up names its files, and they replace
 * the set before. So a release that was half loaded when the network went never stands between a person and their chats,
 * and an old one never outlives the first visit with a network.
 */

/** What is used here of a worker's global scope: TypeScript's library of it and the page's exclude each other. */
interface WorkerScope {
  readonly location: Location
  skipWaiting(): Promise<void>
  addEventListener(type: 'install', listener: () => void): void
  addEventListener(type: 'message', listener: (event: MessageEvent & Extendable) => void): void
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void
}
interface Extendable {
  waitUntil(work: Promise<unknown>): void
}
interface Fetching extends Extendable {
  readonly request: Request
  respondWith(answer: Promise<Response>): void
}

const worker = globalThis as unknown as WorkerScope

/** Caches are named by this and when they were made. */
const prefix = 'recents-demo-shell'

/** How long the network may take before the saved copy is served, ms. */
const patience = 3000

/** A file passed by that is not the saved one. Lost when the worker is stopped, which no page's start gives it time for. */
let changed = false

worker.addEventListener('install', () => void worker.skipWaiting())
worker.addEventListener('message', (event) => event.waitUntil(keep(event)))
worker.addEventListener('fetch', (event) => {
  if (event.request.method === 'GET' && isShell(new URL(event.request.url))) event.respondWith(answer(event.request))
})

async function answer(request: Request): Promise<Response> {
  const saved = await (await savedSet())?.match(keyOf(request.url))
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(patience) })
    if (saved && !isSame(saved, response)) changed = true
    return response
  } catch {
    return saved ?? Response.error()
  }
}

/** Keeps the files that a page names, and tells it when they are kept. */
async function keep({ data, ports }: MessageEvent<{ keep: string[] }>): Promise<void> {
  const keys = [...new Set(data.keep.filter((url) => isShell(new URL(url))).map(keyOf))]
  if ((changed || !(await holds(keys))) && !(await replaceBy(keys))) return
  changed = false
  ports[0]?.postMessage(null)
}

async function holds(keys: readonly string[]): Promise<boolean> {
  const set = await savedSet()
  if (!set) return false
  return (await Promise.all(keys.map((key) => set.match(key)))).every(Boolean)
}

/** Saves a new set and drops the others. Without a network it does neither, and returns false. */
async function replaceBy(keys: string[]): Promise<boolean> {
  const old = await setNames()
  const name = `${prefix} ${Date.now()}`
  try {
    await (await caches.open(name)).addAll(keys)
  } catch {
    await caches.delete(name)
    return false
  }
  await Promise.all(old.map((other) => caches.delete(other)))
  return true
}

async function savedSet(): Promise<Cache | null> {
  const [name] = await setNames()
  return name === undefined ? null : caches.open(name)
}

/** The sets that are there; the whole one is the oldest, since a newer one that is there too is being made. */
async function setNames(): Promise<string[]> {
  return (await caches.keys()).filter((name) => name.startsWith(prefix)).sort()
}

function isSame(a: Response, b: Response): boolean {
  const tag = a.headers.get('ETag')
  return tag !== null && tag === b.headers.get('ETag')
}

function isShell({ origin, pathname }: URL): boolean {
  return origin === worker.location.origin && (pathname === '/' || pathname === '/index.html' || /^\/(web|sdk)\//.test(pathname))
}

/** The page is one file whoever one is: its query is no part of the key. */
function keyOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + (pathname === '/index.html' ? '/' : pathname)
}

export {} // marks a module: a bundler takes a file without one for CommonJS, and a worker has no `export default`
