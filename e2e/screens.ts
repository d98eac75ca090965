import { mkdir, writeFile } from 'node:fs/promises'
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

/** Which looks become pictures, and by which names: docs/screens/NAME.png. */
const pictures = ['choice', 'list', 'empty', 'loading', 'error', 'offline', 'search', 'menu', 'undo', 'inspector', 'dark', 'narrow', 'rtl', 'devices']

test.use({ seed: moment, locale: 'en-GB', timezoneId: 'UTC' })

for (const look of looks.filter(({ name }) => pictures.includes(name))) {
  test(look.name, async ({ server, page }) => {
    await page.addInitScript(stopClock, Date.parse(moment))
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
    await page.addInitScript(stopClock, Date.parse(moment))
    const look: Look = { name: 'ten-thousand', go: (page) => open(page, server, 'alice') }
    await reach(page, server, look)
    await expect(page.getByTestId('end')).toBeAttached({ timeout: 60_000 })
    await page.locator('.scroller').evaluate((scroller) => (scroller.scrollTop = scroller.scrollHeight / 2))
    await expect(page.locator('[data-testid=row][aria-posinset="5000"]')).toBeVisible()
    await shoot(page, look.name)
  } finally {
    await server.close()
  }
})

/** Has it be one moment for ever. Playwright's own clock would take the browser's measures away, which the inspector shows. */
function stopClock(moment: number): void {
  const Moving = Date
  window.Date = class extends Moving {
    constructor(...parts: ConstructorParameters<typeof Date>) {
      super(...((parts.length ? parts : [moment]) as [number]))
    }
    static override now(): number {
      return moment
    }
  } as DateConstructor
}

/** Takes a picture of the window, without what differs from run to run. */
async function shoot(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready)
  await hideMeasures(page)
  const path = `${docs}${name === '../demo' ? 'demo' : `screens/${name}`}.png`
  await mkdir(`${docs}screens`, { recursive: true })
  await writeFile(path, await page.screenshot({ caret: 'hide', animations: 'disabled' }))
}

/** Takes the measured times, and the random name of the log, out of the inspector. */
async function hideMeasures(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const node of document.querySelectorAll('.inspector td:last-child')) node.textContent = '–'
    for (const node of document.querySelectorAll('.inspector dd, .inspector li span, .inspector-note')) {
      const text = node.textContent ?? ''
      node.textContent = text.replace(/[0-9a-f]{16}/, '5e55104200000000').replace(/[0-9.]+ ms/g, '– ms').replace(/^\d+ since/, '– since')
    }
  })
}
