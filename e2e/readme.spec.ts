import { exec, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from './fixtures'

/** What README.md says must work as it stands there; only the address is another. */
test('README.md: its first commands and its page give a newcomer a list', async ({ page }, info) => {
  const commands = (await blocksOf('sh')).join('').matchAll(/^(\S*build\.sh run|python3 .*?)(?: +#.*)?$/gm)
  const [command, serve] = [...commands].map(([, text]) => text!) as [string, string]
  const [html] = await blocksOf('html')
  expect(command).toBe('./build.sh run')
  await mkdir(info.outputPath('my'), { recursive: true })
  const demo = await run(command, root, { PORT: '0', DATA: info.outputPath('data') })
  const files = await run(serve.replace(' 8000 ', ' 0 '), info.outputPath(), { PYTHONUNBUFFERED: '1' })
  try {
    await writeFile(join(info.outputPath('my'), 'index.html'), html!.replaceAll('http://127.0.0.1:8787', demo.url))
    await page.goto(files.url)
    await expect(page.locator('#chats')).toContainText("bob: I've got it.")
    const message = { from: 'bob', to: 'alice', sessionType: 'p2p', message: { messageType: 'text', content: 'hello' } }
    await fetch(`${demo.url}/v1/sendMessage`, { method: 'POST', headers: { Authorization: 'Bearer dev' }, body: JSON.stringify(message) })
    await expect(page.locator('#chats')).toContainText('bob: hello')
  } finally {
    await Promise.all([demo.end(), files.end()])
  }
})

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

const root = fileURLToPath(new URL('..', import.meta.url))

/** Starts a command that serves, and returns once it has told its port. */
async function run(command: string, cwd: string, env: Record<string, string>): Promise<{ url: string; end(): Promise<unknown> }> {
  const child = spawn('bash', ['-c', `exec ${command}`], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  let told = ''
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => { // to its end: a pipe that is closed ends who writes into it
      told += chunk
      const found = /(?:port |127\.0\.0\.1:)([1-9]\d*)\D/.exec(told)?.[1]
      if (found) resolve(found)
    })
    void ended.then(() => reject(new Error(`${command} ended before it served: ${told}`)))
  })
  return { url: `http://127.0.0.1:${port}`, end: () => (child.kill(), ended) }
}

/** The code blocks of a language, in order. */
async function blocksOf(language: string): Promise<string[]> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  return [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, l]) => l === language).map(([, , text]) => text!)
}
