import type { Locator, Page } from '@playwright/test'
import { fileURLToPath } from 'node:url'
import { expect, test } from './fixtures'
import { measured } from './measured'
import type { Server } from './server'

const shots = fileURLToPath(new URL('../build/shots/', import.meta.url))

/** Opens the demo as an account, and returns once its list is live. */
async function open(page: Page, server: Server, account: string): Promise<void> {
  await page.goto(`${server.url}/?as=${encodeURIComponent(account)}`)
  await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live')
  await expect(page.getByTestId('list')).toHaveAttribute('data-fresh', 'true')
}

function row(page: Page, key: string): Locator {
  return page.locator(`[data-testid=row][data-key=${JSON.stringify(key)}]`)
}

async function write(page: Page, to: string, text: string): Promise<void> {
  await page.getByRole('button', { name: 'New message' }).click()
  await page.getByTestId('composer-to').fill(to)
  await page.getByTestId('composer-text').fill(text)
  await page.getByTestId('composer-send').click()
  await expect(page.getByTestId('composer-text')).toHaveValue('')
}

test.describe('with a seeded server', () => {
  test.use({ seed: true })

  test('by keyboard alone: choose, walk, pin, open, write, delete', async ({ server, page }) => {
    await page.goto(server.url)
    const alice = page.getByTestId('account-choice').locator('[data-account=alice]')
    await tabTo(page, alice)
    await page.keyboard.press('Enter')
    await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live')
    await expect(page.getByTestId('list')).toHaveAttribute('data-fresh', 'true')
    const rows = page.getByTestId('row')
    const count = await rows.count()

    await tabTo(page, rows.first())
    await page.keyboard.press('End')
    await expect(rows.last()).toBeFocused()
    const key = (await rows.last().getAttribute('data-key'))!
    await expect(row(page, key).locator('.row-pin')).toBeHidden()
    await page.keyboard.press('p')
    await expect(row(page, key).locator('.row-pin')).toBeVisible()
    await expect(row(page, key), 'the focus went along to the top').toBeFocused()

    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    await expect(rows.nth(1)).toBeFocused()
    await tabBackTo(page, row(page, key), rows.nth(1))
    await page.keyboard.press('Delete')
    await expect(row(page, key)).toHaveCount(0)
    await expect(rows).toHaveCount(count - 1)

    await row(page, 'p2p|bob').focus()
    await page.keyboard.press('Enter')
    await expect(page.getByTestId('composer-text')).toBeFocused()
    await page.keyboard.type('No mouse was used for this.')
    await page.keyboard.press('Enter')
    await expect(row(page, 'p2p|bob').getByTestId('row-text')).toHaveText('You: No mouse was used for this.')
  })

  test('offline by its switch: says so, keeps the list, and catches up', async ({ server, api, page }) => {
    await open(page, server, 'alice')
    const count = await page.getByTestId('row').count()
    await page.getByTestId('offline-switch').check()
    await expect(page.getByTestId('offline-banner')).toBeVisible()
    await expect(page.getByTestId('cached-mark')).toBeVisible()
    await expect(page.getByTestId('row')).toHaveCount(count)

    await api.send('bob', 'alice', 'Are you there?')
    await write(page, 'bob', 'this can not go out').catch(() => {}) // the text stays, so the helper waits in vain
    await expect(page.getByTestId('error')).toContainText('Not sent')
    await expect(row(page, 'p2p|bob').getByTestId('row-text')).not.toContainText('Are you there?')

    await page.getByTestId('offline-switch').uncheck()
    await expect(row(page, 'p2p|bob').getByTestId('row-text')).toContainText('Are you there?')
    await expect(page.getByTestId('offline-banner')).toHaveCount(0)
    await expect(page.getByTestId('cached-mark')).toBeHidden()
  })

  test('a pin and a delete made offline show at once, survive a reload, and reach the server', async ({ server, api, page }) => {
    await open(page, server, 'alice')
    await page.getByTestId('offline-switch').check()
    await expect(page.getByTestId('offline-banner')).toBeVisible()
    await row(page, 'p2p|carol').focus()
    await page.keyboard.press('p')
    await expect(page.getByTestId('row').first()).not.toHaveAttribute('data-key', 'p2p|dave')
    await expect(page.getByTestId('status')).toContainText('1 waiting')
    await row(page, 'p2p|dave').focus()
    await page.keyboard.press('Delete')
    await expect(row(page, 'p2p|dave')).toHaveCount(0)
    await expect(page.getByTestId('status')).toContainText('2 waiting')

    await page.reload() // which is online again
    await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live')
    await expect(page.getByTestId('status')).not.toContainText('waiting')
    await expect(row(page, 'p2p|dave')).toHaveCount(0)
    await expect.poll(() => api.user('alice', '/v1/queryMySession', { sessionId: 'carol', sessionType: 'p2p' })).toMatchObject({ ext: expect.stringContaining('"pinned":true') })
    expect((await api.list('alice')).sessionList.map((s) => s.sessionId)).not.toContain('dave')
  })

  test('looks as it should, light and dark, wide and narrow', async ({ server, page }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await page.setViewportSize({ width: 1100, height: 720 })
    await page.goto(server.url)
    await expect(page.getByTestId('account-choice')).toBeVisible()
    await page.screenshot({ path: shots + 'choice.png' })
    await open(page, server, 'alice')
    await page.screenshot({ path: shots + 'list.png' })
    await row(page, 'p2p|bob').click()
    await page.screenshot({ path: shots + 'chat.png' })
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    await page.screenshot({ path: shots + 'list-dark.png' })
    await page.setViewportSize({ width: 320, height: 640 })
    await page.screenshot({ path: shots + 'list-narrow-dark.png' })
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    await page.screenshot({ path: shots + 'list-narrow.png' })
    expect(await page.evaluate(() => document.documentElement.scrollWidth), 'nothing is wider than the window').toBeLessThanOrEqual(320)
  })
})

test('two tabs as two people talk to each other', async ({ server, page, context }) => {
  const other = await context.newPage()
  await open(page, server, 'alice')
  await open(other, server, 'bob')
  await expect(page.getByTestId('empty')).toBeVisible()

  await write(page, 'bob', 'Hello Bob')
  await expect(row(other, 'p2p|alice').getByTestId('row-text')).toHaveText('Hello Bob')
  await expect(row(page, 'p2p|bob').getByTestId('row-text')).toHaveText('You: Hello Bob')
  await write(other, 'alice', 'Hello Alice')
  await expect(row(page, 'p2p|bob').getByTestId('row-text')).toHaveText('Hello Alice')

  await row(other, 'p2p|alice').click()
  await other.getByTestId('revoke').click()
  await expect(row(page, 'p2p|bob')).toHaveAttribute('data-revoked', '')
  await expect(row(page, 'p2p|bob').getByTestId('row-text')).not.toContainText('Hello Alice')
})

test('A9 what people write is shown as text, never as markup', async ({ server, api, page }) => {
  const evil = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
  await api.send('<b>bob<b>', 'alice', evil, { fromNickname: `<i>${evil}</i>`, pushContent: evil })
  await api.user('alice', '/v1/updateMySession', { sessionId: '<u>x<u>', sessionType: 'p2p', ext: JSON.stringify({ pinned: true, note: evil }) })
  await api.send('carol', 'alice', 'revoked', { uuid: 'r' })
  await api.backend('/v1/revokeMessage', { from: 'carol', to: 'alice', sessionType: 'p2p', uuid: 'r', operator: 'carol', notice: evil })
  await open(page, server, 'alice')

  await expect(page.getByTestId('row')).toHaveCount(3)
  await expect(row(page, 'p2p|<b>bob<b>').getByTestId('row-name')).toHaveText(`<i>${evil}</i>`)
  await expect(row(page, 'p2p|<b>bob<b>').getByTestId('row-text')).toHaveText(evil)
  for (const key of ['p2p|<b>bob<b>', 'p2p|<u>x<u>', 'p2p|carol']) {
    await row(page, key).click()
    expect(await page.locator('#app').locator('img, script, i, u').count(), key).toBe(0)
  }
  expect(await page.title()).toBe('alice · Recents')
  measured('A9', 'markup in a name, a text, an ext, a notice and an id: 0 elements made of it, no script ran')
})

test('a message to nobody who may get it is explained', async ({ server, page }) => {
  await open(page, server, 'alice')
  await page.getByRole('button', { name: 'New message' }).click()
  await page.getByTestId('composer-type').selectOption('team')
  await page.getByTestId('composer-to').fill('no-such-team')
  await page.getByTestId('composer-text').fill('hello?')
  await page.getByTestId('composer-send').click()
  await expect(page.getByTestId('error')).toBeVisible()
  await expect(page.getByTestId('composer-text'), 'the text is not lost').toHaveValue('hello?')
})

test('a long list pages as one scrolls, to its end', async ({ server, api, page }) => {
  for (let i = 0; i < 120; i++) await api.send(`friend-${i}`, 'alice', `number ${i}`)
  await open(page, server, 'alice')
  await expect(page.getByTestId('end')).toHaveCount(0)
  await expect(async () => {
    await page.getByTestId('row').last().scrollIntoViewIfNeeded()
    await expect(page.getByTestId('row')).toHaveCount(120, { timeout: 1000 })
  }).toPass()
  await expect(page.getByTestId('end')).toBeVisible()
  const keys = await page.getByTestId('row').evaluateAll((rows) => rows.map((r) => (r as HTMLElement).dataset.key))
  expect(keys).toEqual(Array.from({ length: 120 }, (_, i) => `p2p|friend-${119 - i}`))
})

/** Presses Tab until an element has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 30; presses++) {
    if (await target.evaluate((node) => node === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach ${target}`)
}

/** Walks up with the arrow key from one row to another. */
async function tabBackTo(page: Page, target: Locator, from: Locator): Promise<void> {
  await expect(from).toBeFocused()
  for (let presses = 0; presses < 30; presses++) {
    if (await target.evaluate((node) => node === document.activeElement)) return
    await page.keyboard.press('ArrowUp')
  }
  throw new Error(`ArrowUp does not reach ${target}`)
}
