import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inWords, sendFailure } from './words'

test('a code is said in words, with what the server adds', () => {
  assert.equal(inWords(416, ''), 'Too many requests. Wait a moment.')
  assert.equal(inWords(414, 'ext: 1025 UTF-16 code units is over 1024'), 'The server refused a value. (ext: 1025 UTF-16 code units is over 1024)')
  assert.equal(inWords(599, ''), 'The server answered with code 599.')
})

test('a group that refuses says why', () => {
  assert.match(sendFailure(404, '', { sessionId: 'x', sessionType: 'team' }), /no team “x”/)
  assert.match(sendFailure(403, '', { sessionId: 'x', sessionType: 'superTeam' }), /not a member of the super team “x”/)
  assert.equal(sendFailure(403, '', { sessionId: 'x', sessionType: 'p2p' }), 'That is not allowed.')
})
