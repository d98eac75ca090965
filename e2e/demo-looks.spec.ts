import { expectAccessible } from './axe'
import { looks, reach } from './demo'
import { expect, test } from './fixtures'

test.use({ seed: true })
test.describe.configure({ mode: 'parallel' })

for (const look of looks) {
  test(`axe finds nothing serious: ${look.name}`, async ({ server, page }) => {
    await reach(page, server, look)
    await expectAccessible(page)
    const { width } = page.viewportSize()!
    expect(await page.evaluate(() => document.documentElement.scrollWidth), 'nothing is wider than the window').toBeLessThanOrEqual(width)
  })
}
