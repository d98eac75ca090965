import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  testIgnore: 'soak/soak.spec.ts', // ./build.sh soak runs it, for as long as one asks
  outputDir: '../build/test/e2e',
  forbidOnly: true,
  retries: 0, // a test that passes the second time has still failed
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 15_000 }, // for a machine that does something else as well; what holds is seen at once
  reporter: [['list']],
  use: {
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM || findChromium(),
      args: [
        '--no-sandbox', // containers have no user namespaces
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})

/** The real browser of the machine, as Debian and others name it. */
function findChromium(): string {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome']
  const dirs = (process.env.PATH ?? '').split(delimiter)
  const found = names.flatMap((name) => dirs.map((dir) => join(dir, name))).find(isExecutable)
  if (!found) throw new Error(`no Chromium in PATH (${names.join(', ')}): apt-get install chromium, or set CHROMIUM`)
  return found
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
