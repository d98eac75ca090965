import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { createServer } from 'vite'
import type { Api } from '../api.mjs'
import { expect, test } from '../fixtures'
import { Host } from '../host'
import type { Server } from '../server'
import { install, pack, run, tool } from './installed'

/** The package as apps get it: its tarball, installed by name, in every tool that the README names, without configuration. */
test.describe('the package', () => {
  let place: string
  let host: Host
  test.describe.configure({ timeout: 180_000 }) // a bundler takes its time on a machine that is busy
  test.beforeAll(async () => {
    test.setTimeout(180_000)
    place = await install('tools')
    host = await Host.open(place)
  })
  test.afterAll(() => host.close())

  /** Opens an app's page and holds that it lists, live, by a core that runs. */
  const lists = async (address: string, { api, server, page }: { api: Api; server: Server; page: Page }): Promise<void> => {
    await api.send('bob', 'alice', 'hello')
    await page.goto(`${address}?${new URLSearchParams({ url: server.url, account: 'alice' })}`)
    const body = page.locator('body')
    await expect(body).toHaveAttribute('data-sessions', 'bob')
    await expect(body).toHaveAttribute('data-core', 'runs')
    await expect(body).toHaveAttribute('data-connection', 'live')
    await api.send('carol', 'alice', 'hello')
    await expect(body).toHaveAttribute('data-sessions', 'carol bob')
  }

  test('holds no file that is not needed', async () => {
    const tarball = await pack(place)
    const files = (await run(place, 'tar', '-tzf', tarball)).trim().split('\n').map((name) => name.replace(/^package\//, ''))
    expect(files.sort()).toEqual([
      'LICENSE', 'README.md', 'core.js', 'index.d.ts', 'index.js', 'majors.js', 'nim-ng.d.ts', 'nim-ng.js', 'nim-web.d.ts', 'nim-web.js',
      'nim.d.ts', 'nim.js', 'package.json', 'react.d.ts', 'react.js', 'recents.wasm', 'recents.wasm.d.ts', 'wire.gen.d.ts',
    ])
    const manifest = JSON.parse(await readFile(join(place, 'node_modules/recents/package.json'), 'utf8'))
    expect(manifest).toMatchObject({ name: 'recents', sideEffects: false, type: 'module', peerDependenciesMeta: { react: { optional: true } } })
    expect(manifest.version).toBe((await readFile(new URL('../../version.txt', import.meta.url), 'utf8')).trim())
    expect(manifest.dependencies).toBeUndefined()
    const missing = Object.values<any>(manifest.exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values<string>(target)))
      .filter((target) => !files.includes(target.slice(2)))
    expect(missing, 'exports without a file').toEqual([])
  })

  test('works in a page without any tool, from a static host', async ({ api, server, page }) => {
    await lists(`${host.url}/plain/`, { api, server, page })
  })

  test('says so when a host gives its page in the place of recents.wasm', async ({ server, page }) => {
    await page.route('**/recents.wasm', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
    await page.goto(`${host.url}/plain/?${new URLSearchParams({ url: server.url, account: 'alice' })}`)
    await expect(page.locator('body')).toHaveAttribute('data-core', /recents\.wasm: is a page, not recents\.wasm: copy that there, or set wasmUrl$/)
  })

  test('works in a Web Worker', async ({ api, server, page }) => {
    await lists(`${host.url}/worker/`, { api, server, page })
  })

  test('works with Vite, built', async ({ api, server, page }) => {
    await tool(join(place, 'vite'), 'vite', 'build', '--base', './', '--logLevel', 'error')
    await lists(`${host.url}/vite/dist/`, { api, server, page })
  })

  test('works with Vite\'s development server', async ({ api, server, page }) => {
    const vite = await createServer({ root: join(place, 'vite'), configFile: false, logLevel: 'error', server: { host: '127.0.0.1', port: 0 } })
    try {
      await vite.listen()
      const { port } = vite.httpServer!.address() as { port: number }
      await lists(`http://127.0.0.1:${port}/`, { api, server, page })
    } finally {
      await vite.close()
    }
  })

  test('works with webpack', async ({ api, server, page }) => {
    await tool(join(place, 'webpack'), 'webpack', './main.js', '--mode', 'production', '--output-path', 'dist')
    await cp(join(place, 'webpack/index.html'), join(place, 'webpack/dist/index.html'))
    await lists(`${host.url}/webpack/dist/`, { api, server, page })
  })

  test('works with esbuild, once recents.wasm is copied', async ({ api, server, page }) => {
    await tool(join(place, 'esbuild'), 'esbuild', 'main.js', '--bundle', '--format=esm', '--splitting', '--outdir=dist', '--log-level=warning')
    await cp(join(place, 'esbuild/index.html'), join(place, 'esbuild/dist/index.html'))
    await cp(join(place, 'node_modules/recents/recents.wasm'), join(place, 'esbuild/dist/recents.wasm'))
    await lists(`${host.url}/esbuild/dist/`, { api, server, page })
  })

  test('works in Node, every entry of it, and keeps no process alive', async ({ api, server }) => {
    await api.send('bob', 'alice', 'hello')
    const address = `http://app/?${new URLSearchParams({ url: server.url, account: 'alice' })}`
    const said = JSON.parse(await run(join(place, 'node'), 'node', 'list.js', address))
    expect(said).toMatchObject({ sessions: 'bob', core: 'runs', document: 'undefined' })
  })

  for (const resolution of ['bundler', 'nodenext']) {
    test(`has types for every entry, with moduleResolution ${resolution}`, async () => {
      const module = resolution === 'nodenext' ? 'nodenext' : 'esnext'
      await tool(join(place, 'types'), 'tsc', '-p', '.', '--module', module, '--moduleResolution', resolution)
    })
  }

  test('drops what an app does not use: an import alone leaves nothing', async () => {
    const directory = join(place, 'esbuild')
    await run(directory, 'node', '-e', 'fs.writeFileSync("unused.js", "import { connect } from \'recents\'\\nimport \'recents/react\'\\nimport { NIM } from \'recents/nim-web\'\\n")')
    await tool(directory, 'esbuild', 'unused.js', '--bundle', '--format=esm', '--outfile=unused/out.js', '--log-level=error')
    expect((await readFile(join(directory, 'unused/out.js'), 'utf8')).trim()).toBe('')
    expect(await readdir(join(directory, 'unused'))).toEqual(['out.js'])
  })
})
