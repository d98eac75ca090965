import type { BrowserContext, CDPSession, Page } from '@playwright/test'
import type { Server } from '../server'
import type { Sample } from './verdict'

/** What the probe keeps in a page. */
interface Probe {
  /** Go's side of the boundary, as wasm_exec.js makes it. */
  go?: { _values: unknown[]; _idPool: number[] }
  memory?: WebAssembly.Memory
  sockets: Set<WebSocket>
}

/**
 * Has the pages of a context keep hold of what is to be counted. The package has nothing of this: wasm_exec.js makes a
 * Map whose last entry is Go itself, and the core's memory is an export of the instance.
 */
export async function install(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const probe: Probe = { sockets: new Set() }
    Object.assign(window, { probe })
    window.Map = class<K, V> extends Map<K, V> {
      constructor(entries?: Iterable<readonly [K, V]> | null) {
        super(entries)
        if (Array.isArray(entries) && entries.length === 6 && entries[5][1] === 6) probe.go = entries[5][0]
      }
    } as MapConstructor
    const instantiate = WebAssembly.instantiate
    WebAssembly.instantiate = (async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
      const instance = await instantiate(module, imports)
      probe.memory = instance.exports.mem as WebAssembly.Memory
      return instance
    }) as typeof WebAssembly.instantiate
    window.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols)
        probe.sockets.add(this)
        this.addEventListener('close', () => probe.sockets.delete(this))
      }
    }
  })
}

/** Closes the sockets of a page, as the network does that goes away in the middle. */
export function killSockets(page: Page): Promise<void> {
  return page.evaluate(() => (window as unknown as { probe: Probe }).probe.sockets.forEach((socket) => socket.close(4000)))
}

/** Looks at one page, after a garbage collection. */
class PageProbe {
  private constructor(
    readonly page: Page,
    readonly devtools: CDPSession,
  ) {}

  static async of(page: Page): Promise<PageProbe> {
    return new PageProbe(page, await page.context().newCDPSession(page))
  }

  async look(): Promise<{ heap: number; wasm: number; values: number; sockets: number }> {
    await this.devtools.send('HeapProfiler.collectGarbage')
    const { usedSize } = await this.devtools.send('Runtime.getHeapUsage')
    const counts = await this.page.evaluate(() => {
      const { go, memory, sockets } = (window as unknown as { probe: Probe }).probe
      return { values: go!._values.length - go!._idPool.length, wasm: memory!.buffer.byteLength, sockets: sockets.size }
    })
    return { ...counts, heap: megabytes(usedSize), wasm: megabytes(counts.wasm) }
  }
}

/** Looks at two pages that last for the whole run, and at the server. */
export class Probes {
  private constructor(
    readonly tab: PageProbe,
    readonly phone: PageProbe,
    readonly server: Server,
  ) {}

  static async of(tab: Page, phone: Page, server: Server): Promise<Probes> {
    return new Probes(await PageProbe.of(tab), await PageProbe.of(phone), server)
  }

  async look(): Promise<Sample> {
    const tab = await this.tab.look()
    const phone = await this.phone.look()
    const text = await (await fetch(`${this.server.url}/metrics`)).text()
    const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)![1])
    return {
      'tab heap MB': tab.heap,
      'tab wasm MB': tab.wasm,
      'tab js.Values': tab.values,
      'tab sockets': tab.sockets,
      'phone heap MB': phone.heap,
      'phone wasm MB': phone.wasm,
      'phone js.Values': phone.values,
      goroutines: metric('go_goroutines'),
      'server heap MB': megabytes(metric('go_memstats_next_gc_bytes') / 2), // twice what the last GC left: what is in use moves too much
      'server sockets': metric('recents_sockets'),
      'server fds': metric('process_open_fds'),
    }
  }
}

const megabytes = (bytes: number): number => bytes / 2 ** 20
