import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecentSession } from 'recents'
import { Names } from './names'
import { previewOf } from './preview'

const names = new Names()
names.learn(session({ fromAccount: 'bob', fromNickname: 'Bob Okafor' }))

/** A session as the server gives it, with a last message of these members. */
function session(message: object | null, more: object = {}): RecentSession {
  const sent: Record<string, unknown> = { uuid: 'u', fromAccount: 'bob', messageType: 'text', messageDirection: 'received', ...message }
  return {
    sessionId: 'bob',
    sessionType: 'p2p',
    updateTime: 1,
    lastMsgType: 0,
    revokeNotification: null,
    ...(message ? { lastMsg: JSON.stringify(sent) } : {}),
    recentSession: {},
    ...more,
  } as unknown as RecentSession
}

function line(s: RecentSession): string {
  const { sign, sender, text } = previewOf(s, 'alice', names)
  return [sign && `[${sign}]`, sender && `${sender}:`, text].filter(Boolean).join(' ')
}

for (const [what, message, want] of [
  ['text', { content: 'hello' }, 'hello'],
  ['text of many lines', { content: ' a\n\n b\t c ' }, 'a b c'],
  ['markup', { content: '<b>x</b>' }, '<b>x</b>'],
  ['my own text', { content: 'hi', messageDirection: 'outgoing', fromAccount: 'alice' }, 'You: hi'],
  ['image', { messageType: 'image' }, '[image] Photo'],
  ['image with a name', { messageType: 'image', messageAttachment: { name: 'a.jpg' } }, '[image] Photo: a.jpg'],
  ['audio', { messageType: 'audio', messageAttachment: { dur: 62_400 } }, '[audio] Voice message: 1:02'],
  ['audio without a length', { messageType: 'audio', messageAttachment: { dur: 'x', name: 'n' } }, '[audio] Voice message'],
  ['video', { messageType: 'video', messageAttachment: { dur: 9_600 } }, '[video] Video: 0:10'],
  ['location', { messageType: 'location', messageAttachment: { title: 'Café' } }, '[location] Location: Café'],
  ['file', { messageType: 'file', messageAttachment: { displayName: 'a.pdf', name: 'x' } }, '[file] File: a.pdf'],
  ['custom', { messageType: 'custom', pushContent: 'A poll' }, '[custom] Custom message: A poll'],
  ['tip', { messageType: 'tip', content: 'Be kind' }, '[notice] Notice: Be kind'],
  ['avchat', { messageType: 'avchat' }, '[call] Call'],
  ['an unknown type', { messageType: 'hologram' }, 'Message'],
  ['a type that objects have', { messageType: 'constructor' }, 'Message'],
  ['values of the wrong kinds', { content: 5, messageAttachment: 'x', pushContent: {} }, 'Message'],
] as const) {
  test(`${what}: ${want}`, () => assert.equal(line(session(message)), want))
}

test('a group names who speaks, by nickname where it is known', () => {
  const group = { sessionId: 'weekend', sessionType: 'team' }
  assert.equal(line(session({ content: 'x' }, group)), 'Bob Okafor: x')
  assert.equal(line(session({ content: 'x', fromAccount: 'dave' }, group)), 'dave: x')
  assert.equal(line(session({ messageType: 'image' }, group)), '[image] Bob Okafor: Photo')
})

test('a session without a message, or with one that cannot be read, says so', () => {
  assert.equal(line(session(null)), 'No messages yet')
  for (const lastMsg of ['', '{', 'null', '5', '"text"']) {
    assert.equal(line(session(null, { lastMsg })), 'No messages yet', lastMsg)
  }
})

test('a long text is cut between characters', () => {
  const text = line(session({ content: `${'a'.repeat(199)}😀 and on` }))
  assert.equal(text, `${'a'.repeat(199)}…`)
})

for (const [what, revoke, want] of [
  ['by its sender', { revokeAccount: 'bob' }, '[revoked] Bob Okafor took a message back'],
  ['by me', { revokeAccount: 'alice', message: { fromAccount: 'alice' } }, '[revoked] You took a message back'],
  ['with a notice', { revokeAccount: 'bob', customInfo: 'wrong chat' }, '[revoked] Bob Okafor took a message back: wrong chat'],
  ['by a manager', { revokeAccount: 'carol' }, '[revoked] carol took a message of Bob Okafor back'],
  ['of mine, by a manager', { revokeAccount: 'carol', message: { fromAccount: 'alice' } }, '[revoked] carol took a message of yours back'],
  ['of a message that is gone', { revokeAccount: '', message: {} }, '[revoked] Somebody took a message back'],
] as const) {
  test(`revoked ${what}`, () => {
    const revokeNotification = { message: { fromAccount: 'bob' }, ...revoke }
    assert.equal(line(session(null, { lastMsgType: 1, revokeNotification })), want)
  })
}
