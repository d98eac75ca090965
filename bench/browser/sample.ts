import { mkdir, writeFile } from 'node:fs/promises'

/** The rounds of ours, as bench/report calls them. */
export const ours = 'recents'

/** One measure before it is judged: report.Sample. */
export interface Sample {
  measure: string
  size?: string
  unit: string
  /** The peer of the ratio; '': a budget. */
  against: string
  /** Of the ratio, or of ours for a budget; 0: for information. */
  bound: number
  atLeast?: boolean
  note?: string
  rounds: Record<string, number[]>
}

/** Rounds that count, and those before them that do not: caches fill, compilers wake. */
const counted = 7
const warmups = 2

/** One side of a comparison: does what is measured once, and returns the value. */
export type Turn = () => Promise<number>

/** Has all sides take turns, so that what else the machine does falls on all alike. */
export async function takeTurns(turns: Record<string, Turn>): Promise<Record<string, number[]>> {
  const rounds: Record<string, number[]> = {}
  for (let round = 0; round < warmups + counted; round++) {
    for (const [side, turn] of Object.entries(turns)) {
      const value = await turn()
      if (round >= warmups) (rounds[side] ??= []).push(value)
    }
  }
  return rounds
}

/** Leaves what was measured for `go run ./bench/performance judge`. */
export async function write(part: string, samples: readonly Sample[]): Promise<void> {
  await mkdir('build/bench', { recursive: true })
  await writeFile(`build/bench/${part}.samples.json`, JSON.stringify(samples, null, 2))
}
