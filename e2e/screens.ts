import { mkdir, stat, writeFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { fileURLToPath } from 'node:url'
import { Api } from './api.mjs'
import { crowd } from './crowd'
import { looks, open, reach, type Look } from './demo'
import { expect, test } from './fixtures'
import { Server } from './server'

const docs = fileURLToPath(new URL('../docs/', import.meta.url))

/** When the pictures are taken: the page's clock stands there, and the demo's messages end there. */
const moment = '2026-10-05T10:21:00Z'

/** A picture may weigh so much, bytes. */
const heaviest = 120_000

/** Which looks become pictures, and by which names: docs/screens/NAME.png. */
const pictures = ['choice', 'list', 'empty', 'loading', 'error', 'offline', 'search', 'menu', 'undo', 'inspector', 'dark', 'narrow', 'rtl', 'devices']

test.use({ seed: moment, locale: 'en-GB', timezoneId: 'UTC' })

for (const look of looks.filter(({ name }) => pictures.includes(name))) {
  test(look.name, async ({ server, page }) => {
    await page.clock.setFixedTime(moment)
    await reach(page, server, look)
    await shoot(page, look.name)
    if (look.name === 'list') await shoot(page, '../demo')
  })
}

test('ten-thousand', async ({ page }) => {
  test.setTimeout(240_000)
  const server = await Server.open()
  try {
    await crowd(new Api(server.url), 'alice', 10_000, Date.parse(moment))
    await page.clock.setFixedTime(moment)
    const look: Look = { name: 'ten-thousand', go: (page) => open(page, server, 'alice') }
    await reach(page, server, look)
    await expect(page.getByTestId('end')).toBeAttached({ timeout: 60_000 })
    await page.locator('.scroller').evaluate((scroller) => (scroller.scrollTop = scroller.scrollHeight / 2))
    await expect(page.getByTestId('row').first()).toHaveAttribute('aria-posinset', /^4\d\d\d$/)
    await shoot(page, look.name)
  } finally {
    await server.close()
  }
})

/** Takes a picture of the window, without what differs from run to run: the inspector's measured times. */
async function shoot(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready)
  await hideMeasures(page)
  const path = `${docs}${name === '../demo' ? 'demo' : `screens/${name}`}.png`
  await mkdir(`${docs}screens`, { recursive: true })
  await writeFile(path, await page.screenshot({ caret: 'hide', animations: 'disabled' }))
  expect((await stat(path)).size, `${path} in bytes`).toBeLessThan(heaviest)
}

async function hideMeasures(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const node of document.querySelectorAll('.inspector td:last-child')) node.textContent = '–'
  })
}
