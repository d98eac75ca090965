import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, type Frame, type Page } from '@playwright/test'
import type { AxeResults, RunOptions } from 'axe-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const options: RunOptions = { resultTypes: ['violations'], iframes: false }

/** Expects axe to find nothing serious or critical in any document of the page. */
export async function expectAccessible(page: Page): Promise<void> {
  const findings = await Promise.all(page.frames().map(findingsIn))
  expect(findings.flat(), 'serious and critical findings of axe').toEqual([])
}

async function findingsIn(frame: Frame): Promise<string[]> {
  await frame.evaluate(source)
  const { violations } = await frame.evaluate((o) => (window as unknown as { axe: { run(o: object): Promise<AxeResults> } }).axe.run(o), options)
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  return grave.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target}: ${failureSummary}`))
}
