import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const build = fileURLToPath(new URL('../build/', import.meta.url))

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

/** A page with nothing on it, for tests of the package alone. */
export const blank = '/blank.html'

/**
 * Serves the demo and the package from build/, or the files of another directory, as a chat app's own web host would:
 * another origin than recentsd's, and one that is there when recentsd is not. A file with its name and .br beside it is sent as that.
 */
export class Host {
  private constructor(
    readonly url: string,
    /** Pages of a test's own, by path. */
    readonly pages: Map<string, string>,
    readonly close: () => Promise<void>,
  ) {}

  /** `cacheable`: the browser may keep the files, as those of an app whose names change with what they hold. */
  static async open(directory?: string, cacheable = false): Promise<Host> {
    const pages = new Map([[blank, '<!doctype html><title>blank</title>']])
    const fileOf = directory === undefined ? inBuild : (name: string): string => join(directory, name)
    const http = createServer((request, response) => void answer(pages, fileOf, cacheable, request, response))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { port } = http.address() as AddressInfo
    return new Host(`http://127.0.0.1:${port}`, pages, async () => {
      http.close()
      http.closeAllConnections()
      await once(http, 'close')
    })
  }
}

/** The file of build/ that a path names. */
function inBuild(name: string): string {
  return name.startsWith('/sdk/') ? join(build, name) : join(build, 'web', name)
}

async function answer(pages: Map<string, string>, fileOf: (name: string) => string, cacheable: boolean, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://host')
  const page = pages.get(pathname)
  if (page !== undefined) return send(response, extname(pathname) || '.html', page)
  const name = normalize(pathname)
  const file = fileOf(name.endsWith('/') ? `${name}index.html` : name)
  const packed = request.headers['accept-encoding']?.includes('br') ? await contentOf(`${file}.br`) : undefined
  const body = packed ?? (await contentOf(file))
  if (body === undefined) return void response.writeHead(404).end()
  if (packed) response.setHeader('Content-Encoding', 'br')
  send(response, extname(file), body, cacheable ? 'max-age=31536000, immutable' : undefined)
}

/** What a file holds; undefined when it cannot be read. */
function contentOf(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(() => undefined)
}

/** By default nothing is kept, but not by no-store, which keeps a page out of the back/forward cache. */
function send(response: ServerResponse, extension: string, body: string | Buffer, cacheControl = 'no-cache'): void {
  response.writeHead(200, { 'Content-Type': types[extension] ?? 'application/octet-stream', 'Cache-Control': cacheControl }).end(body)
}
