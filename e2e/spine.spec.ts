import { connect, expect, idsOf, list, test, textOf, untilConnection } from './fixtures'

/** The whole way through, once: from a message sent to a list on screen, live and offline. */
test.describe('the demo on its own server', () => {
  test.use({ seed: true })

  test('lists what was seeded, shows a message as it comes, and the list again when the server is gone', async ({ server, api, page }) => {
    await page.goto(`${server.url}/?as=alice`)
    const rows = page.getByTestId('row')
    await expect(page.getByTestId('list')).toHaveAttribute('data-fresh', 'true')
    const seeded = await api.list('alice')
    await expect(rows).toHaveCount(seeded.sessionList.length)
    expect(seeded.sessionList.length).toBeGreaterThan(5)
    await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live')

    // A plain HTTP call by somebody else, and no reload here.
    await api.send('bob', 'alice', 'Have you seen the light?')
    const bob = page.locator('[data-testid=row][data-key="p2p|bob"]')
    await expect(bob.getByTestId('row-text')).toContainText('Have you seen the light?')
    await expect(page.getByTestId('cached-mark')).toBeHidden()

    await expect(page.locator('html'), 'the page would open without its server').toHaveAttribute('data-shell', 'kept')
    await server.stop()
    await page.reload()
    await expect(rows).toHaveCount(seeded.sessionList.length)
    await expect(bob.getByTestId('row-text')).toContainText('Have you seen the light?')
    await expect(page.getByTestId('list')).toHaveAttribute('data-source', 'cache')
    await expect(page.getByTestId('list')).toHaveAttribute('data-fresh', 'false')
    await expect(page.getByTestId('cached-mark')).toBeVisible()
    await expect(page.getByTestId('offline-banner')).toBeVisible()

    // Back again: it catches up by itself with what it missed.
    await server.start()
    await api.send('carol', 'alice', 'And we are back.')
    const carol = page.locator('[data-testid=row][data-key="p2p|carol"]')
    await expect(carol.getByTestId('row-text')).toContainText('And we are back.', { timeout: 45_000 })
    await expect(page.getByTestId('cached-mark')).toBeHidden()
  })

  test('takes the files of the page from the server compressed, under a strict policy', async ({ server, page }) => {
    const violations: string[] = []
    page.on('console', (message) => message.text().includes('Content Security Policy') && violations.push(message.text()))
    const answer = await page.goto(`${server.url}/?as=bob`)
    await expect(page.getByTestId('list')).toHaveAttribute('data-fresh', 'true')
    expect(violations).toEqual([])
    expect(answer?.headers()['content-security-policy']).toContain("default-src 'self'")

    const wasm = await page.request.get(`${server.url}/sdk/recents.wasm`, { headers: { 'Accept-Encoding': 'br' } })
    expect(wasm.headers()).toMatchObject({ 'content-type': 'application/wasm', 'content-encoding': 'br' })
  })
})

test('the server dies at once and comes back: no acknowledged message is missing', async ({ server, api, page }) => {
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  for (let round = 0; round < 5; round++) {
    await api.send(`friend-${round}`, 'alice', `round ${round}`)
    await server.kill()
    await server.start()
  }
  const friends = ['friend-4', 'friend-3', 'friend-2', 'friend-1', 'friend-0']
  expect((await api.list('alice')).sessionList.map((s) => s.sessionId)).toEqual(friends)
  await expect.poll(async () => idsOf(await list(page, 'alice')), { timeout: 45_000 }).toEqual(friends)
  expect(textOf((await list(page, 'alice')).data?.sessionList[0])).toBe('round 4')
})
