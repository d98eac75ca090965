import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page } from '@playwright/test'
import config from '../../e2e/playwright.config'
import { Host } from '../../e2e/host'
import { brotli } from './brotli'

/** Where the bundles of the pages are; see bench_browser in build.sh. */
const site = 'build/bench-site'

/** A quality that takes a second for all files, and a tenth more bytes than the best. */
const fast = 9

/** The page that all sides share: the same document and style, another script. */
function shell(script: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${script}</title>
<style>
  body { margin: 0; font: 15px/1.4 system-ui, sans-serif }
  ul { list-style: none; margin: 0; padding: 0 }
  li { padding: 8px 16px; border-bottom: 1px solid #ddd; display: grid; grid-template-columns: 1fr auto }
  p { margin: 0; grid-column: 1 / 3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
</style>
<ul id="list"></ul>
<script type="module" src="/${script}.js"></script>
</html>`
}

const scripts = ['boot-recents', 'boot-dexie', 'boot-fetch', 'ready-recents', 'ready-indexeddb', 'recents', 'dexie', 'idb', 'rxdb', 'tinybase']

/** A real browser and the host of the pages. */
export class Stage {
  private constructor(
    readonly browser: Browser,
    readonly host: Host,
  ) {}

  static async open(): Promise<Stage> {
    for (const name of await readdir(site)) {
      if (/\.(js|wasm)$/.test(name)) await writeFile(join(site, `${name}.br`), brotli(await readFile(join(site, name)), fast))
    }
    const host = await Host.open(site, true)
    for (const script of scripts) host.pages.set(`/${script}.html`, shell(script))
    return new Stage(await chromium.launch(config.use?.launchOptions), host)
  }

  async close(): Promise<void> {
    await this.browser.close()
    await this.host.close()
  }

  /** A profile of its own: storage and caches that nobody else has. */
  profile(): Promise<BrowserContext> {
    return this.browser.newContext()
  }

  /** A profile on the disk, as users have one: the browser keeps there what it compiled of scripts and, for the files' lifetime, their bytes. */
  async kept(): Promise<BrowserContext> {
    const directory = await mkdtemp(join(tmpdir(), 'recents-bench-'))
    const profile = await chromium.launchPersistentContext(directory, config.use?.launchOptions)
    profile.once('close', () => void rm(directory, { recursive: true, force: true, maxRetries: 5 }))
    return profile
  }

  /** Opens a page; an error in it ends the benchmark. */
  async page(profile: BrowserContext, script: string, query: Record<string, string | number> = {}): Promise<Page> {
    const page = await profile.newPage()
    failOnError(page)
    await page.goto(this.#address(script, query))
    return page
  }

  /** Opens a page and closes it when it shows what it was to show. Returns when that was, ms since the page began. */
  async timeToShow(profile: BrowserContext, script: string, query: Record<string, string | number> = {}): Promise<number> {
    const page = await profile.newPage()
    failOnError(page)
    const told = shown(page)
    await page.goto(this.#address(script, query), { waitUntil: 'commit' })
    const at = await told
    await page.close()
    return at
  }

  #address(script: string, query: Record<string, string | number>): string {
    const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
    return `${this.host.url}/${script}.html?${search}`
  }
}

/** When a page says that it was where it was to get, ms since it began: pages/list.ts's done. */
export async function shown(page: Page): Promise<number> {
  const said = await page.waitForEvent('console', { predicate: (message) => message.type() === 'info', timeout: 120_000 })
  return Number(said.text())
}

function failOnError(page: Page): void {
  page.on('pageerror', (error) => {
    console.error(`${page.url()}: ${error.stack}`)
    process.exitCode = 1
    void page.close()
  })
}
