import { test } from '@playwright/test'

/** Notes what this run of a test measured of a fault, for the table that `./build.sh reliability` makes. */
export function measured(id: string, what: string): void {
  test.info().annotations.push({ type: `measured:${id}`, description: what })
}
