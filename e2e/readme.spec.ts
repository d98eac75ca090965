import { exec } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from './fixtures'

/** What README.md says must work as it stands there; only the address is another. */
test.describe('README.md', () => {
  test.use({ seed: true })

  test('its JavaScript runs in a page', async ({ server, api, page }) => {
    const [example] = await blocksOf('js')
    await page.goto(`${server.url}/?as=alice`)
    await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live')
    const lines: string[] = []
    page.on('console', (message) => lines.push(message.text()))

    const code = example!
      .replace("import { connect } from 'recents'", "const { connect } = await import('/sdk/index.js')")
      .replace('http://127.0.0.1:8787', server.url)
      .replace('myToken', JSON.stringify(await api.token('alice')))
    await page.evaluate(`(async () => { ${code}; globalThis.example = client; })()`)

    const { sessionList } = await api.list('alice', { limit: 20 })
    expect(lines).toContain(`bob ${sessionList.find((s) => s.sessionId === 'bob')!.lastMsg}`)
    expect(lines.length).toBeGreaterThanOrEqual(sessionList.length)
    expect(await api.user('alice', '/v1/queryMySession', { sessionId: 'bob', sessionType: 'p2p' })).toMatchObject({ ext: '{"pinned":true}' })
    await expect.poll(() => page.evaluate('example.status.connection')).toBe('live')
    await api.send('carol', 'alice', 'hello')
    await expect.poll(() => lines).toContain('changed: carol')
  })

  test('its curl commands do what it says', async ({ server, page }) => {
    const commands = (await blocksOf('sh')).filter((block) => block.startsWith('curl'))
    expect(commands).toHaveLength(1)
    await page.goto(`${server.url}/?as=alice`)
    await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live')
    const { stdout } = await promisify(exec)(commands[0]!.replaceAll('http://127.0.0.1:8787', server.url))
    const answers = stdout.trim().split(/(?<=})\s*(?={)/)
    expect(answers.map((text) => JSON.parse(text).code)).toEqual([200, 200])
    await expect(page.locator('[data-testid=row][data-key="p2p|bob"]')).toContainText('Have you seen the light?')
  })
})

/** The code blocks of a language, in order. */
async function blocksOf(language: string): Promise<string[]> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  return [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, l]) => l === language).map(([, , text]) => text!)
}
