/** Programs by URL: the browser keeps the bytes, but compiles them anew each time. */
const programs = new Map<string, Promise<WebAssembly.Module>>()

/**
 * The core's program, compiled: the first time from the network. Without `url` it is the file beside this module. It stands
 * apart from what runs it, so that it comes while that does.
 */
export function programAt(url = besideModule()): Promise<WebAssembly.Module> {
  const known = programs.get(url)
  if (known) return known
  const program = compile(url)
  programs.set(url, program)
  program.catch(() => programs.delete(url)) // so that the next one tries again
  return program
}

function besideModule(): string {
  // Vite's development server bundles a dependency into .vite/deps/, and leaves its other files where they are.
  return new URL('./recents.wasm', import.meta.url).href.replace('/.vite/deps/', '/recents/')
}

async function compile(url: string): Promise<WebAssembly.Module> {
  if (url.startsWith('file:')) return WebAssembly.compile(readFile(new URL(url)))
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`)
  const type = response.headers.get('Content-Type') ?? ''
  if (type.startsWith('text/html')) throw new Error(`${url}: is a page, not recents.wasm: copy that there, or set wasmUrl`)
  const streamable = type.startsWith('application/wasm')
  return streamable ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer())
}

/** Reads a file where the module runs from one: in Node, whose fetch has no files. */
function readFile(url: URL): Uint8Array<ArrayBuffer> {
  const { process } = globalThis as unknown as { process?: { getBuiltinModule?(id: string): { readFileSync(url: URL): Uint8Array<ArrayBuffer> } } }
  if (!process?.getBuiltinModule) throw new Error(`${url}: cannot be read here; set wasmUrl to an http URL`)
  return process.getBuiltinModule('node:fs').readFileSync(url)
}
