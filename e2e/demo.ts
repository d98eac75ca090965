import { expect, type Locator, type Page } from '@playwright/test'
import type { Server } from './server'

/** Going live takes a server, a token, a socket and a compiled core: on a busy machine seconds. */
const patience = { timeout: 20_000 }

/** Where the demo of a server is, as an account. */
export function addressOf(server: Server, account: string, query = ''): string {
  return `${server.url}/?as=${encodeURIComponent(account)}${query}`
}

/** Opens the demo as an account, and returns once its list is live. */
export async function open(page: Page, server: Server, account: string, query = ''): Promise<void> {
  await page.goto(addressOf(server, account, query))
  await untilLive(page)
}

/** Returns once the list of a page, or of a frame in one, is live. */
export async function untilLive(page: Pick<Page, 'getByTestId'>): Promise<void> {
  await expect(page.getByTestId('status')).toHaveAttribute('data-connection', 'live', patience)
  await expect(page.getByTestId('list')).toHaveAttribute('data-fresh', 'true', patience)
}

/** The row of a session key. */
export function row(page: Pick<Page, 'locator'>, key: string): Locator {
  return page.locator(`[data-testid=row][data-key=${JSON.stringify(key)}]`)
}

/** One look of the demo, that a picture is made of and that is checked for accessibility. */
export interface Look {
  name: string
  account?: string
  /** Added to the page's address. */
  query?: string
  size?: { width: number; height: number }
  dark?: boolean
  forcedColors?: boolean
  /** What has to be in place before the page is opened. */
  before?(page: Page): Promise<unknown>
  /** Opens nothing by itself: `go` opens the page and, unless told otherwise, waits until it is live. */
  go?(page: Page, server: Server, look: Look): Promise<void>
  /** What is done then, until the look is reached. */
  then?(page: Page): Promise<unknown>
}

/** Goes to a look's page without waiting for its list. */
async function justGo(page: Page, server: Server, { account = 'alice' }: Look): Promise<void> {
  await page.goto(addressOf(server, account))
}

/** The looks of a seeded server. */
export const looks: readonly Look[] = [
  { name: 'choice', go: async (page, server) => void (await page.goto(server.url)), then: (page) => expect(page.getByTestId('account-choice')).toBeVisible() },
  { name: 'list', then: (page) => row(page, 'p2p|bob').click() },
  { name: 'empty', account: 'nobody', then: (page) => expect(page.getByTestId('empty')).toBeVisible() },
  { name: 'loading', before: (page) => page.route('**/v1/**', () => {}), go: justGo, then: (page) => expect(page.getByRole('status', { name: 'Loading chats' })).toBeVisible() },
  { name: 'error', before: (page) => page.route('**/v1/**', (route) => route.abort()), go: justGo, then: (page) => expect(page.getByTestId('error')).toBeVisible(patience) },
  {
    name: 'offline',
    then: async (page) => {
      await page.getByTestId('offline-switch').check()
      await expect(page.getByTestId('offline-banner')).toBeVisible()
      await row(page, 'p2p|carol').focus()
      await page.keyboard.press('p')
      await expect(page.getByTestId('status')).toContainText('1 change waiting')
      await expect(page.getByTestId('cached-mark')).toBeVisible()
    },
  },
  {
    name: 'signed-out',
    then: async (page) => {
      await page.route('**/v1/dev/token', (route) => route.fulfill({ json: { code: 200, data: { token: 'no token' } } }))
      await page.reload()
      await expect(page.getByTestId('unauthorized-banner')).toBeVisible(patience)
    },
  },
  { name: 'search', then: async (page) => {
    await page.keyboard.press('/')
    await page.keyboard.type('ca')
    await expect(page.getByTestId('row')).toHaveCount(2)
  } },
  { name: 'no-hits', then: async (page) => {
    await page.getByTestId('search').fill('zeppelin')
    await expect(page.getByTestId('no-hits')).toBeVisible()
  } },
  { name: 'menu', then: async (page) => {
    await row(page, 'p2p|carol').click({ button: 'right' })
    await expect(page.getByTestId('menu')).toBeVisible()
  } },
  { name: 'undo', then: async (page) => {
    await row(page, 'p2p|carol').focus()
    await page.keyboard.press('Delete')
    await expect(page.getByTestId('undo')).toBeVisible()
  } },
  { name: 'inspector', size: { width: 1280, height: 720 }, then: async (page) => {
    await row(page, 'p2p|bob').click()
    await page.getByTestId('status').click()
    await expect(page.getByTestId('inspector')).toBeVisible()
  } },
  { name: 'dark', dark: true, then: (page) => row(page, 'team|weekend').click() },
  { name: 'narrow', size: { width: 320, height: 640 } },
  { name: 'narrow-chat', size: { width: 320, height: 640 }, dark: true, then: (page) => row(page, 'p2p|bob').click() },
  { name: 'rtl', query: '&dir=rtl', then: (page) => row(page, 'p2p|omar').click() },
  { name: 'forced-colors', forcedColors: true, then: (page) => row(page, 'p2p|bob').click() },
  { name: 'devices', query: '&devices=2', size: { width: 1100, height: 720 }, go: goToDevices },
]

async function goToDevices(page: Page, server: Server): Promise<void> {
  await page.goto(addressOf(server, 'alice', '&devices=2'))
  for (const id of ['device-indexeddb', 'device-memory']) await untilLive(page.frameLocator(`[data-testid=${id}]`))
}

/** Brings a page to a look. */
export async function reach(page: Page, server: Server, look: Look): Promise<void> {
  await page.setViewportSize(look.size ?? { width: 1100, height: 720 })
  await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: look.dark ? 'dark' : 'light', forcedColors: look.forcedColors ? 'active' : 'none' })
  await look.before?.(page)
  if (look.go) await look.go(page, server, look)
  else await open(page, server, look.account ?? 'alice', look.query)
  await look.then?.(page)
}
