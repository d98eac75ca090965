import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const binary = fileURLToPath(new URL('../build/recentsd', import.meta.url))
const workerd = fileURLToPath(new URL('node_modules/.bin/workerd', import.meta.url))
const edge = fileURLToPath(new URL('../build/trial/workerd.capnp', import.meta.url))
const site = fileURLToPath(new URL('../server/recentsd/assets', import.meta.url))

/** RECENTS_PLACE=edge runs the same tests on the worker in the real edge runtime. */
const atEdge = process.env.RECENTS_PLACE === 'edge'

/** A recentsd (or the edge worker) in development mode, on a port and a data directory of its own that outlive its process. */
export class Server {
  readonly url: string
  #process: ChildProcess | null = null
  #log = ''

  private constructor(
    readonly port: number,
    readonly dataDir: string,
    readonly flags: string[] = [],
  ) {
    this.url = `http://127.0.0.1:${port}`
  }

  /** Starts a server with an empty data directory. `seed` gives it the demo's accounts. */
  static async open({ seed = false } = {}): Promise<Server> {
    const dataDir = await mkdtemp(join(tmpdir(), 'recents-e2e-'))
    const server = new Server(await freePort(), dataDir)
    await server.start()
    if (seed) await promisify(execFile)(binary, ['seed', '-url', server.url, '-key', 'dev'])
    return server
  }

  /** Starts the process, and returns once it says where it serves. */
  async start(): Promise<void> {
    const child = atEdge ? this.#spawnEdge() : this.#spawnServer()
    this.#process = child
    this.#log = ''
    child.stderr!.on('data', (chunk) => (this.#log += chunk))
    await new Promise<void>((resolve, reject) => {
      createInterface(child.stdout!).on('line', (line) => line.includes(String(this.port)) && resolve())
      child.once('error', reject)
      child.once('exit', (code, signal) => reject(new Error(`recentsd ended with ${code ?? signal} before it served:\n${this.#log}`)))
    })
  }

  #spawnServer(): ChildProcess {
    const args = ['-dev', '-listen', `127.0.0.1:${this.port}`, '-data', this.dataDir, ...this.flags]
    return spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  }

  #spawnEdge(): ChildProcess {
    const args = ['serve', edge, `--socket-addr=http=127.0.0.1:${this.port}`, `--directory-path=storage=${this.dataDir}`,
      `--directory-path=site=${site}`, '--control-fd=1']
    const secret = 'the-token-secret-of-the-tests-0123456789'
    const env = { ...process.env, RECENTS_DEV: '1', RECENTS_SERVER_KEY: 'dev', RECENTS_TOKEN_SECRET: secret, RECENTS_TOKEN_PUBLIC_KEY: '', RECENTS_ALLOW_ORIGIN: '' }
    return spawn(workerd, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
  }

  /** All that the process has written to its standard error. */
  get log(): string {
    return this.#log
  }

  /** Ends the process as an operator does; it must end well. */
  async stop(): Promise<void> {
    if (atEdge) return this.kill() // the runtime waits for every socket, and a worker has no stop of its own
    const code = await this.#end('SIGTERM')
    if (code !== 0) throw new Error(`recentsd ended with ${code}:\n${this.#log}`)
  }

  /** Ends the process as a power cut does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Forgets all data of a process that has ended: the next one is another server at the same address. */
  async forget(): Promise<void> {
    await rm(this.dataDir, { recursive: true })
    await mkdir(this.dataDir)
  }

  /** Takes the data of another server; both processes have ended. */
  async take(other: Server): Promise<void> {
    await this.forget()
    await cp(other.dataDir, this.dataDir, { recursive: true })
    await other.close()
  }

  /** Stops the process and forgets its data. */
  async close(): Promise<void> {
    if (this.#process) await this.stop()
    await rm(this.dataDir, { recursive: true })
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process
    if (!child) throw new Error('recentsd is not running')
    this.#process = null
    if (child.exitCode !== null) return child.exitCode
    const exit = once(child, 'exit')
    child.kill(signal)
    return (await exit)[0] as number | null
  }
}

/** A port that nobody holds now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
