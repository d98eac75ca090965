import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, isoTime, stamp } from './ages'

// Local times, so that the table holds in every time zone.
const at = (text: string): number => new Date(text).getTime()
const now = at('2024-03-15T14:30:00') // a Friday

for (const [when, want] of [
  ['2024-03-15T14:30:00', 'now'],
  ['2024-03-15T14:29:01', 'now'],
  ['2024-03-15T14:29:00', '1 min'],
  ['2024-03-15T13:30:01', '59 min'],
  ['2024-03-15T13:30:00', '13:30'],
  ['2024-03-15T00:00:00', '00:00'],
  ['2024-03-14T23:59:59', 'Yesterday'],
  ['2024-03-14T00:00:00', 'Yesterday'],
  ['2024-03-13T23:59:59', 'Wed'],
  ['2024-03-09T00:00:00', 'Sat'],
  ['2024-03-08T23:59:59', '8 Mar'],
  ['2024-01-01T00:00:00', '1 Jan'],
  ['2023-12-31T23:59:59', '31 Dec 2023'],
  ['2024-03-15T14:30:59', 'now'], // the server's clock is ahead
  ['2024-03-15T18:00:00', '18:00'],
  ['2024-03-16T09:00:00', '16 Mar'],
] as const) {
  test(`age of ${when} is ${want}`, () => assert.equal(age(at(when), now), want))
}

test('yesterday is a calendar day, however few minutes ago', () => {
  assert.equal(age(at('2024-03-14T22:50:00'), at('2024-03-15T00:20:00')), 'Yesterday')
  assert.equal(age(at('2024-03-14T23:50:00'), at('2024-03-15T00:20:00')), '30 min')
})

test('a stamp names the day when it is another', () => {
  assert.equal(stamp(at('2024-03-15T09:05:00'), now), '09:05')
  assert.equal(stamp(at('2024-03-14T09:05:00'), now), '14 Mar, 09:05')
  assert.equal(stamp(at('2023-03-14T09:05:00'), now), '14 Mar 2023, 09:05')
})

test('isoTime is empty for what is no time', () => {
  assert.equal(isoTime(0), '1970-01-01T00:00:00.000Z')
  assert.equal(isoTime(Number.NaN), '')
  assert.equal(isoTime(9e15), '')
})
