/** One look at everything that may grow. */
export type Sample = Record<Measure, number>

/**
 * What is looked at, and by how much each may differ for reasons of its own: a heap is never quite the same after a GC,
 * memory of WebAssembly grows by blocks, and how many connections a browser keeps open is its own affair.
 */
export const measures = {
  'tab heap MB': 0.5,
  'tab wasm MB': 1,
  'tab js.Values': 20,
  'tab sockets': 1,
  'phone heap MB': 0.5,
  'phone wasm MB': 1,
  'phone js.Values': 20,
  'goroutines': 12,
  'server heap MB': 1,
  'server sockets': 1,
  'server fds': 12,
} as const

export type Measure = keyof typeof measures

/** How far the last third of a run may be above the middle one. The first is not looked at: caches fill in it. */
const growth = 0.05

export interface Verdict {
  measure: Measure
  /** Medians. */
  middle: number
  last: number
  flat: boolean
}

/** Tells of each measure whether it stayed as it was. Less than before is flat too: what shrinks does not leak. */
export function judge(samples: Sample[]): Verdict[] {
  const third = Math.floor(samples.length / 3)
  if (third < 2) throw new RangeError(`${samples.length} samples are under 6`)
  return (Object.keys(measures) as Measure[]).map((measure) => {
    const values = samples.map((sample) => sample[measure])
    const middle = median(values.slice(-2 * third, -third))
    const last = median(values.slice(-third))
    return { measure, middle, last, flat: last <= middle * (1 + growth) || last - middle <= measures[measure] }
  })
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** The samples as a table, at most `most` lines of them, and the verdict below. */
export function table(samples: Sample[], verdicts: Verdict[], most = 30): string {
  const step = Math.ceil(samples.length / most)
  const lines = samples.flatMap((sample, i) => (i % step === 0 ? [cells(String(i + 1), (m) => sample[m])] : []))
  const of = new Map(verdicts.map((v) => [v.measure, v]))
  return [
    ['cycle', ...Object.keys(measures)].join(' | '),
    ...lines,
    cells('middle third', (m) => of.get(m)!.middle),
    cells('last third', (m) => of.get(m)!.last),
    ...verdicts.filter((v) => !v.flat).map((v) => `${v.measure}: grew from ${v.middle} to ${v.last}`),
  ].join('\n')
}

function cells(name: string, value: (measure: Measure) => number): string {
  return [name, ...(Object.keys(measures) as Measure[]).map((m) => String(Math.round(value(m) * 100) / 100).padStart(m.length))].join(' | ')
}
