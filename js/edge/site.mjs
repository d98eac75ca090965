// @ts-check
/** The demo and the package's dist, where a worker serves them: binding SITE, a directory. */

/** @type {Record<string, string>} */
const TYPES = {
  html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8',
  ts: 'text/javascript; charset=utf-8', json: 'application/json; charset=utf-8', wasm: 'application/wasm',
  webmanifest: 'application/manifest+json', svg: 'image/svg+xml', png: 'image/png',
}

/** A page runs what came from here alone, and talks to any server, since the demo takes another one's address. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss: http: https:; " +
  "img-src 'self' data: blob: https:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"

/**
 * A file of the site; undefined when the request is for something else.
 * @param {Request} request
 * @param {{ SITE?: { fetch(url: string, init: object): Promise<Response> } }} env
 */
export async function serveSite(request, env) {
  if (env.SITE === undefined || request.method !== 'GET' && request.method !== 'HEAD') return undefined
  const { pathname } = new URL(request.url)
  const path = pathname === '/' ? '/index.html' : pathname
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)]
  if (type === undefined || path === '/openapi.json') return undefined
  const file = await env.SITE.fetch(`http://site${path}`, { method: request.method })
  if (!file.ok) return undefined
  return new Response(file.body, { headers: headersOf(type) })
}

/** @param {string} type */
function headersOf(type) {
  const headers = new Headers({
    'Content-Type': type, 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff', 'Access-Control-Allow-Origin': '*',
  })
  if (type.startsWith('text/html')) {
    headers.set('Content-Security-Policy', POLICY)
    headers.set('Referrer-Policy', 'no-referrer')
  }
  return headers
}
