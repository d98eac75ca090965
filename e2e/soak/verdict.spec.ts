import { expect, test } from '@playwright/test'
import { judge, measures, table, type Measure, type Sample } from './verdict'

const flat = Object.fromEntries(Object.keys(measures).map((m) => [m, 10])) as Sample

/** A run in which one measure is what `value` says in each cycle. */
const run = (measure: Measure, value: (i: number) => number): Sample[] => Array.from({ length: 30 }, (_, i) => ({ ...flat, [measure]: value(i) }))
const failing = (samples: Sample[]): Measure[] => judge(samples).flatMap((v) => (v.flat ? [] : [v.measure]))

test('the verdict sees what grows, and nothing else', () => {
  expect(failing(run('tab heap MB', () => 10))).toEqual([])
  expect(failing(run('tab heap MB', (i) => 10 + i / 5)), 'a leak').toEqual(['tab heap MB'])
  expect(failing(run('tab heap MB', (i) => (i < 10 ? i : 10))), 'a cache that fills').toEqual([])
  expect(failing(run('tab heap MB', (i) => (i === 29 ? 100 : 10))), 'one peak').toEqual([])
  expect(failing(run('tab heap MB', (i) => 20 - i / 5)), 'what shrinks').toEqual([])
  expect(failing(run('tab js.Values', (i) => 10 + i)), 'within what it may').toEqual([])
  expect(failing(run('tab js.Values', (i) => 10 + 5 * i)), 'beyond it').toEqual(['tab js.Values'])
  for (const measure of Object.keys(measures) as Measure[]) expect(failing(run(measure, (i) => 100 + 10 * i))).toEqual([measure])
})

test('the verdict needs enough to go by', () => {
  expect(() => judge([flat, flat, flat, flat, flat])).toThrow('5 samples are under 6')
  expect(table(run('tab heap MB', (i) => i), judge(run('tab heap MB', (i) => i)), 10).split('\n')).toHaveLength(1 + 10 + 2 + 1)
})
