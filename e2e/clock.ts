import type { Page } from '@playwright/test'
import { blank } from './host'

/** A page's own clock, which moves only as far as a test lets it, or a little by itself. */
export class PageClock {
  private constructor(readonly page: Page) {}

  /** Takes over the clock of a page that is still blank. */
  static async of(page: Page, options: { time?: number | string | Date } = {}): Promise<PageClock> {
    await page.clock.install(options)
    await page.goto(blank)
    return new PageClock(page)
  }

  /** The page's time, ms. */
  now(): Promise<number> {
    return this.page.evaluate(() => Date.now())
  }

  /** Lets seconds pass, in steps of five. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i += 5) await this.#step(5000)
  }

  /**
   * Lets time pass until the condition holds, and returns how many seconds it let pass: what passed by itself, while a
   * busy machine was at its work, is not counted. Fails after `most`. `step`: how finely it looks, ms.
   */
  async until(what: string, condition: () => Promise<boolean> | boolean, { most = 120, step = 1000 } = {}): Promise<number> {
    for (let passed = 0; ; passed += step) {
      if (await condition()) return passed / 1000
      if (passed > most * 1000) throw new Error(`${what}: not within ${most} s of the page's clock`)
      await this.#step(step)
    }
  }

  /** One step, and then as much real time as storage and the network need for what it set off. */
  async #step(ms: number): Promise<void> {
    await this.page.clock.runFor(ms)
    for (let i = 0; i < 2; i++) {
      await this.page.evaluate(async () => {
        await indexedDB?.databases().catch(() => [])
        await fetch(location.href).catch(() => {})
      })
    }
  }
}

/** Seconds for a table: two digits, and no more than are true. */
export function inSeconds(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`
}
