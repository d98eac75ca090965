import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPinned, withPinned } from './ext'

for (const [ext, want] of [
  [undefined, false],
  ['', false],
  ['{"pinned":true}', true],
  ['{"pinned":false}', false],
  ['{"pinned":1}', false],
  ['{"pinned":"true"}', false],
  ['{"other":{"pinned":true}}', false],
  ['[true]', false],
  ['null', false],
  ['{broken', false],
  ['pinned', false],
] as const) {
  test(`isPinned(${ext}) is ${want}`, () => assert.equal(isPinned(ext), want))
}

for (const [ext, pinned, want] of [
  [undefined, true, '{"pinned":true}'],
  ['', true, '{"pinned":true}'],
  ['{"color":"red","n":[1,{"a":null}]}', true, '{"color":"red","n":[1,{"a":null}],"pinned":true}'],
  ['{"pinned":true}', true, '{"pinned":true}'],
  ['{"color":"red","pinned":true}', false, '{"color":"red"}'],
  ['{"pinned":true}', false, ''],
  ['plain words', true, '{"text":"plain words","pinned":true}'],
  ['[1,2]', true, '{"text":"[1,2]","pinned":true}'],
  ['{broken', true, '{"text":"{broken","pinned":true}'],
] as const) {
  test(`withPinned(${ext}, ${pinned})`, () => assert.equal(withPinned(ext, pinned), want))
}

test('a member named __proto__ stays a member', () => {
  assert.equal(withPinned('{"__proto__":{"pinned":true}}', true), '{"__proto__":{"pinned":true},"pinned":true}')
  assert.equal(isPinned('{"__proto__":{"pinned":true}}'), false)
})
