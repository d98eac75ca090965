/** The service worker: hands out the page's files from the network, and from its cache when there is none. */

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

const cacheName = 'recents-demo-shell'

/** How long the network may take before the saved copy is served, ms. */
const patience = 3000

worker.addEventListener('install', () => void worker.skipWaiting())
worker.addEventListener('message', (event) => event.waitUntil(keep(event)))
worker.addEventListener('fetch', (event) => {
  if (event.request.method === 'GET' && isShell(new URL(event.request.url))) event.respondWith(answer(event.request))
})

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName)
  const key = keyOf(request.url)
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(patience) })
    if (response.ok) await cache.put(key, response.clone())
    return response
  } catch {
    return (await cache.match(key)) ?? Response.error()
  }
}

/** Keeps the files that a page names, and tells it when they are kept. */
async function keep({ data, ports }: MessageEvent<{ keep: string[] }>): Promise<void> {
  const cache = await caches.open(cacheName)
  const keys = new Set(data.keep.filter((url) => isShell(new URL(url))).map(keyOf))
  await Promise.all([...keys].map(async (key) => (await cache.match(key)) ?? cache.add(key)))
  ports[0]?.postMessage(null)
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
