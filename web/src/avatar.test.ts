import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hue, initials } from './avatar'

for (const [name, want] of [
  ['alice', 'A'],
  ['Bob Okafor', 'BO'],
  ['Ana María de la Cruz', 'AC'],
  ['weekend-hikes_2024', 'W2'],
  ['佐藤 由紀', '佐'],
  ['🥾 hikers', 'H'],
  ['🥾', '🥾'],
  ['élan', 'É'],
  ['<script>', 'S'],
  ['', '?'],
] as const) {
  test(`initials of "${name}" are ${want}`, () => assert.equal(initials(name), want))
}

test('a hue is the same for the same id and within the circle', () => {
  assert.equal(hue('alice'), hue('alice'))
  assert.notEqual(hue('alice'), hue('bob'))
  for (const id of ['', 'x', '佐藤', 'a'.repeat(64)]) assert.ok(hue(id) >= 0 && hue(id) < 360)
})
