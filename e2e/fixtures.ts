import { test as base, expect, type Page } from '@playwright/test'
import type { Client, ClientStatus, ConnectOptions, NIMResult, RecentSession, RecentSessionList } from 'recents'
import { Api } from './api.mjs'
import { blank, Host } from './host'
import { Server } from './server'

export { expect }

declare global {
  interface Window {
    /** The clients that a test has connected in the page, by account. */
    clients: Record<string, Client>
  }
}

interface Options {
  /** Whether the server begins with the demo's accounts. */
  seed: boolean
}

interface Fixtures {
  server: Server
  api: Api
  /** Fails the test when a page threw or left a rejection unhandled. */
  noErrors: void
}

export const test = base.extend<Fixtures & Options, { host: Host }>({
  seed: [false, { option: true }],

  host: [
    async ({}, use) => {
      const host = await Host.open()
      await use(host)
      await host.close()
    },
    { scope: 'worker' },
  ],

  server: async ({ seed }, use) => {
    const server = await Server.open({ seed })
    await use(server)
    await server.close()
  },

  api: async ({ server }, use) => use(new Api(server.url)),

  // The page is on another origin than the server, as an app's own page is.
  baseURL: async ({ host }, use) => use(host.url),

  noErrors: [
    async ({ context }, use) => {
      const errors: string[] = []
      context.on('weberror', (e) => errors.push(String(e.error().stack ?? e.error())))
      await use()
      expect(errors, 'errors that the pages did not handle').toEqual([])
    },
    { auto: true },
  ],
})

/**
 * Loads a page with nothing on it, unless one is there, and connects an account in it as `window.clients[account]`.
 * What it returns reads every status that the client has told since.
 */
export async function connect(page: Page, server: Server, account: string, options: Partial<ConnectOptions> = {}): Promise<() => Promise<ClientStatus[]>> {
  if (page.url() === 'about:blank') await page.goto(blank)
  const statuses = await page.evaluateHandle(
    async ({ url, account, options }) => {
      const sdk = '/sdk/index.js' // a variable: the address is the host's, not the type checker's
      const { connect } = (await import(sdk)) as typeof import('recents')
      const token = async (): Promise<string> => {
        const response = await fetch(`${url}/v1/dev/token`, { method: 'POST', body: JSON.stringify({ account }) })
        return (await response.json()).data.token
      }
      window.clients ??= {}
      const told: ClientStatus[] = []
      const client = (window.clients[account] = connect({ ...options, url, account, token }))
      client.onStatus.listen((status) => void (told.push(status) > 1000 && told.shift())) // a soak tells for hours
      return told
    },
    { url: server.url, account, options },
  )
  return () => statuses.jsonValue()
}

/** Returns once the account's client says so. */
export async function untilConnection(page: Page, account: string, connection: Client['status']['connection']): Promise<void> {
  await expect.poll(() => page.evaluate((a) => window.clients[a]!.status.connection, account)).toBe(connection)
}

/** Asks the account's client for its list. */
export function list(page: Page, account: string): Promise<NIMResult<RecentSessionList>> {
  return page.evaluate((a) => window.clients[a]!.messageService.queryMySessionList(), account)
}

/** The ids of a list's sessions, in its order. */
export function idsOf(result: NIMResult<RecentSessionList>): string[] {
  return (result.data?.sessionList ?? []).map(({ sessionId }) => sessionId)
}

/** What the last message of a session says. */
export function textOf(session: RecentSession | undefined): string | undefined {
  return session?.lastMsg === undefined ? undefined : JSON.parse(session.lastMsg).content
}
