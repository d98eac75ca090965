import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
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

/**
 * A Chromium that is driven by its own protocol alone, over a pipe: a page of Playwright's is always visible, here the
 * tab behind another is hidden.
 */
export class HiddenTabs {
  #id = 0
  #rest = ''
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()

  private constructor(readonly process: ChildProcess) {
    process.stdio[4]!.on('data', (chunk) => this.#read(String(chunk)))
  }

  static start(profile: string): HiddenTabs {
    const { executablePath, args } = test.info().project.use.launchOptions!
    const flags = [...args!, '--headless', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank']
    return new HiddenTabs(spawn(executablePath!, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] }))
  }

  /** Opens a tab in front of those before it. */
  async open(url: string): Promise<RawTab> {
    const { targetId } = await this.send<{ targetId: string }>('Target.createTarget', { url })
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
    return new RawTab((method, params) => this.send(method, params, sessionId))
  }

  send<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = ++this.#id
    const answer = new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    ;(this.process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return answer
  }

  async kill(): Promise<void> {
    const exit = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await exit
  }

  #read(text: string): void {
    const messages = (this.#rest + text).split('\0')
    this.#rest = messages.pop()!
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message)
      if (error) this.#waiting.get(id)?.reject(new Error(error.message))
      else this.#waiting.get(id)?.resolve(result as never)
    }
  }
}

/** A tab of {@link HiddenTabs}. */
export class RawTab {
  constructor(readonly send: <T>(method: string, params?: object) => Promise<T>) {}

  /** What an expression comes to, in the tab. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send<{ result: { value: T }; exceptionDetails?: { text: string } }>('Runtime.evaluate', {
      expression, awaitPromise: true, returnByValue: true,
    })
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`)
    return result.value
  }
}
