import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, test, type Browser, type Page } from '@playwright/test'

/** A Chromium of its own process, so that it can be killed as a power cut does. */
export class Chrome {
  private constructor(
    readonly process: ChildProcess,
    readonly browser: Browser,
  ) {}

  static async start(profile: string): Promise<Chrome> {
    const { executablePath, args } = test.info().project.use.launchOptions!
    const child = spawn(executablePath!, [...args!, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const endpoint = await new Promise<string>((resolve, reject) => {
      createInterface(child.stderr!).on('line', (line) => {
        const address = /^DevTools listening on (ws:.*)$/.exec(line)?.[1]
        if (address) resolve(address)
      })
      child.once('exit', (code) => reject(new Error(`Chromium ended with ${code}`)))
    })
    return new Chrome(child, await chromium.connectOverCDP(endpoint))
  }

  async page(url: string): Promise<Page> {
    const page = await this.browser.contexts()[0]!.newPage()
    await page.goto(`${url}/blank.html`)
    return page
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const exit = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await exit
  }
}
