import { exec } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from './fixtures'

const written = 'http://127.0.0.1:8787' // the server's address in the documentation

/** The code blocks of a language in a page of docs/, in order. */
async function blocksOf(page: string, language: string): Promise<string[]> {
  const text = await readFile(new URL(`../docs/${page}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, l]) => l === language).map(([, , code]) => code!)
}

test.describe('docs/', () => {
  test.use({ seed: true })

  test('getting-started.md: its page shows a list that moves', async ({ server, api, page, host }) => {
    const [html] = await blocksOf('getting-started.md', 'html')
    host.pages.set('/my-page.html', html!.replaceAll(written, server.url))
    await page.goto(`${host.url}/my-page.html`)
    const { sessionList } = await api.list('alice', { limit: 20 })
    await expect(page.locator('li')).toHaveCount(sessionList.length)

    const send = (await blocksOf('getting-started.md', 'sh')).find((block) => block.startsWith('curl'))!
    const { stdout } = await promisify(exec)(send.replaceAll(written, server.url))
    expect(JSON.parse(stdout).code).toBe(200)
    await expect(page.locator('li').first()).toHaveText('bob: hello')
  })

  for (const name of ['concepts.md', 'security.md']) {
    test(`${name}: its examples run, in their order`, async ({ server, api, page, host }) => {
      const blocks = await blocksOf(name, 'js')
      expect(blocks.length).toBeGreaterThan(0)
      await page.goto(`${host.url}/blank.html`)
      const wrong = await page.evaluate(
        async ({ url, token, code }) => {
          const { connect } = await import(`${url}/sdk/index.js` as string)
          const client = connect({ url, account: 'alice', token })
          await client.ready
          const run = new Function('client', 'messageService', `return (async () => { ${code} })()`)
          try {
            await run(client, client.messageService)
            return ''
          } catch (error) {
            return String(error)
          }
        },
        { url: server.url, token: await api.token('alice'), code: blocks.map((block) => `{${block}}`).join('\n') },
      )
      expect(wrong).toBe('')
    })
  }

  for (const [i, shape] of ['nim', 'nim-web', 'nim-ng'].entries()) {
    test(`migrating-from-nim.md: its example of recents/${shape} runs as it stands`, async ({ server, api, page, host }) => {
      const code = (await blocksOf('migrating-from-nim.md', 'js'))[i]!
      const given = { url: server.url, account: 'alice', token: await api.token('alice') }
      host.pages.set(`/${shape}.html`, `<!doctype html><title>${shape}</title>
        <script type="importmap">{ "imports": { "recents/${shape}": "/sdk/${shape}.js" } }</script>
        <script type="module">
          const { url, account, token } = ${JSON.stringify(given)}
          window.shown = []
          const show = (...what) => window.shown.push(what.join(' '))
          ${code}
        </script>`)
      await page.goto(`${host.url}/${shape}.html`)
      const shown = (): Promise<string[]> => page.evaluate('shown')
      const [newest, ...others] = (await api.list('alice')).sessionList
      const list = { nim: 1 + others.length, 'nim-web': `${newest!.sessionType}-${newest!.sessionId}`, 'nim-ng': JSON.parse(newest!.lastMsg!).content }[shape]
      await expect.poll(shown).toContain(`list ${list}`)
      const bob = async (): Promise<{ ext?: string }> => api.user('alice', '/v1/queryMySession', { sessionId: 'bob', sessionType: 'p2p' })
      await expect.poll(async () => (await bob()).ext).toBe('pinned')
      if (shape === 'nim-ng') await expect.poll(shown).toContain('code 404')
      if (shape === 'nim-web') await expect.poll(shown).toContain('updated ')
      await api.send('carol', 'alice', 'hello')
      await expect.poll(shown).toContain(`changed ${shape === 'nim' ? 'carol' : 'p2p-carol'}`)
    })
  }

  test('every link of docs/ and of README.md leads to a file that is there', async () => {
    for (const name of ['../README.md', 'getting-started.md', 'concepts.md', 'running.md', 'security.md', 'testing.md', 'nim-backend.md', 'migrating-from-nim.md', 'deploy-cloudflare.md', 'reliability.md']) {
      const from = new URL(`../docs/${name}`, import.meta.url)
      const text = await readFile(from, 'utf8')
      for (const [, target] of text.matchAll(/\]\(([^):#]+)(?:#[^)]*)?\)/g)) {
        await expect(stat(new URL(target!, from)), `${name}: ${target}`).resolves.toBeTruthy()
      }
    }
  })
})
