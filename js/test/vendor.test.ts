import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NIMMessage, RecentSession, SessionKey } from '../src/api.js'
import { idOf, keyOf, ngSession, webSession } from '../src/vendor.js'

const me = 'alice'
const time = 1_700_000_000_000

/** A session as the server gives it, with a message when one is given. */
function session(key: SessionKey, message?: Partial<NIMMessage>, more: Partial<RecentSession> = {}): RecentSession {
  return {
    ...key, sessionTypePair: key.sessionType, updateTime: time, lastMsgType: 0, revokeNotification: null,
    ...(message && { lastMsg: JSON.stringify({ ...received(key), ...message }) }),
    recentSession: { ...key, unreadCount: 0 },
    ...more,
  }
}

/** A message from the session's other end, or from bob in a group. */
function received(key: SessionKey): NIMMessage {
  return {
    ...key, uuid: 'u1', serverId: '9007199254740993', fromAccount: key.sessionType === 'p2p' ? key.sessionId : 'bob',
    messageType: 'text', timestamp: time, messageDirection: 'received', content: 'hello',
  }
}

/** The last message taken back by `revokeAccount`; of it, `left` is left. */
function revoked(key: SessionKey, revokeAccount: string, left: Partial<NIMMessage>, texts: object = {}): RecentSession {
  const revokeType = ({ p2p: 'p2pDeleteMsg', team: 'teamDeleteMsg', superTeam: 'superTeamDeleteMsg' } as const)[key.sessionType]
  const message = left as NIMMessage
  return session(key, undefined, {
    lastMsgType: 1,
    revokeNotification: { message, revokeAccount, customInfo: '', attach: '', callbackExt: '', notificationType: 0, revokeType, ...texts },
  })
}

const bob: SessionKey = { sessionId: 'bob', sessionType: 'p2p' }
const team: SessionKey = { sessionId: '4711', sessionType: 'team' }
const odd: SessionKey = { sessionId: 'a-b|c_d.e', sessionType: 'superTeam' }
const { content: _, ...left } = received(bob)

const fromBob = {
  scene: 'p2p', from: 'bob', to: me, time, userUpdateTime: 0, type: 'text', sessionId: 'p2p-bob', target: 'bob', flow: 'in',
  idClient: 'u1', idServer: '9007199254740993',
}
const webBob = { ...fromBob, status: 'success', text: 'hello' }
const ngBob = { ...fromBob, status: 'unread', body: 'hello', feature: 'default' }

/** What a session is by the names of the Web SDK, and by those of nim-web-sdk-ng; of both, ids and times are left out. */
const sessions: [name: string, given: RecentSession, web: object, ng: object][] = [
  ['an ordinary message', session(bob, {}), { lastMsgType: '0', lastMsg: webBob }, { lastMsgInfo: { isLastMsgRecalled: false, lastMsg: ngBob } }],
  [
    'one that this account sent',
    session(bob, { fromAccount: me, messageDirection: 'outgoing', fromNickname: 'Alice' }),
    { lastMsgType: '0', lastMsg: { ...webBob, from: me, to: 'bob', flow: 'out', fromNick: 'Alice' } },
    { lastMsgInfo: { isLastMsgRecalled: false, lastMsg: { ...ngBob, from: me, to: 'bob', flow: 'out', fromNick: 'Alice', status: 'sent' } } },
  ],
  [
    'CJK and everything else that a message may hold',
    session(team, {
      content: '你好，世界 👋', fromNickname: '鲍勃', messageSubType: 7, callbackExtension: 'cb', pushContent: '推送', sessionUpdate: true,
      remoteExtension: { 键: [1] }, status: 'read',
    }, { ext: '{"置顶":true}' }),
    {
      ext: '{"置顶":true}', lastMsgType: '0',
      lastMsg: {
        ...webBob, scene: 'team', to: '4711', sessionId: 'team-4711', target: '4711', text: '你好，世界 👋', fromNick: '鲍勃', subType: 7,
        callbackExt: 'cb', pushContent: '推送', needUpdateSession: true, custom: '{"键":[1]}', status: 'read',
      },
    },
    {
      ext: '{"置顶":true}',
      lastMsgInfo: {
        isLastMsgRecalled: false,
        lastMsg: {
          ...ngBob, scene: 'team', to: '4711', sessionId: 'team-4711', target: '4711', body: '你好，世界 👋', fromNick: '鲍勃', subType: 7,
          callbackExt: 'cb', pushInfo: { pushContent: '推送' }, setting: { needUpdateSession: true }, ext: '{"键":[1]}',
        },
      },
    },
  ],
  [
    'an account that holds - and |',
    session(odd, {}),
    { lastMsgType: '0', lastMsg: { ...webBob, scene: 'superTeam', to: 'a-b|c_d.e', sessionId: 'superTeam-a-b|c_d.e', target: 'a-b|c_d.e' } },
    { lastMsgInfo: { isLastMsgRecalled: false, lastMsg: { ...ngBob, scene: 'superTeam', to: 'a-b|c_d.e', sessionId: 'superTeam-a-b|c_d.e', target: 'a-b|c_d.e' } } },
  ],
  ['made by an update only', session(bob, undefined, { ext: 'mine' }), { ext: 'mine', lastMsgType: '0' }, { ext: 'mine' }],
  ['ext that was cleared', session(bob, undefined, { ext: '' }), { ext: '', lastMsgType: '0' }, { ext: '' }],
  [
    'without last messages, as asked',
    { ...bob, sessionTypePair: 'p2p', updateTime: time, recentSession: { ...bob, unreadCount: 0 } },
    {}, {},
  ],
  [
    'taken back by its sender',
    revoked(bob, 'bob', { ...left, fromNickname: 'Bob' }, { customInfo: 'oops', attach: 'a', callbackExt: 'cb' }),
    {
      lastMsgType: '1',
      lastMsg: {
        type: 'deleteMsg', scene: 'p2p', time, from: 'bob', to: me, opeAccount: 'bob', deletedIdClient: 'u1', deletedIdServer: '9007199254740993',
        deletedMsgTime: time, deletedMsgFromNick: 'Bob', ps: 'oops', attach: 'a', callbackExt: 'cb', status: 'success',
      },
    },
    {
      lastMsgInfo: {
        isLastMsgRecalled: true,
        revokedMsg: {
          type: 'recallMsgP2p', time, from: 'bob', to: me, idServer: '9007199254740993', state: 'none', feature: 'default', ps: 'oops', attach: 'a',
          callbackExt: 'cb',
          recallMessageInfo: { idClient: 'u1', idServer: '9007199254740993', createTime: time, fromNick: 'Bob', opeAccount: 'bob' },
        },
      },
    },
  ],
  [
    'taken back by this account, which sent it',
    revoked(bob, me, { ...left, fromAccount: me, messageDirection: 'outgoing' }),
    {
      lastMsgType: '1',
      lastMsg: {
        type: 'deleteMsg', scene: 'p2p', time, from: me, to: 'bob', opeAccount: me, deletedIdClient: 'u1', deletedIdServer: '9007199254740993',
        deletedMsgTime: time, status: 'success',
      },
    },
    {
      lastMsgInfo: {
        isLastMsgRecalled: true,
        revokedMsg: {
          type: 'recallMsgP2p', time, from: me, to: 'bob', idServer: '9007199254740993', state: 'none', feature: 'default',
          recallMessageInfo: { idClient: 'u1', idServer: '9007199254740993', createTime: time, fromNick: '', opeAccount: me },
        },
      },
    },
  ],
  [
    'taken back in a team by its owner',
    revoked(team, 'olga', { ...left, ...team, fromAccount: me, messageDirection: 'outgoing' }),
    {
      lastMsgType: '1',
      lastMsg: {
        type: 'deleteMsg', scene: 'team', time, from: me, to: '4711', opeAccount: 'olga', deletedIdClient: 'u1', deletedIdServer: '9007199254740993',
        deletedMsgTime: time, status: 'success',
      },
    },
    {
      lastMsgInfo: {
        isLastMsgRecalled: true,
        revokedMsg: {
          type: 'recallMsgTeam', time, from: me, to: '4711', idServer: '9007199254740993', state: 'none', feature: 'default',
          recallMessageInfo: { idClient: 'u1', idServer: '9007199254740993', createTime: time, fromNick: '', opeAccount: 'olga' },
        },
      },
    },
  ],
  [
    'taken back, of which the ids alone are left',
    revoked(bob, 'bob', { uuid: 'u1', serverId: '5' }),
    {
      lastMsgType: '1',
      lastMsg: { type: 'deleteMsg', scene: 'p2p', time, from: '', to: me, opeAccount: 'bob', deletedIdClient: 'u1', deletedIdServer: '5', status: 'success' },
    },
    {
      lastMsgInfo: {
        isLastMsgRecalled: true,
        revokedMsg: {
          type: 'recallMsgP2p', time, from: '', to: me, idServer: '5', state: 'none', feature: 'default',
          recallMessageInfo: { idClient: 'u1', idServer: '5', createTime: time, fromNick: '', opeAccount: 'bob' },
        },
      },
    },
  ],
  [
    'taken back by its sender, this account, of which no direction is left',
    revoked(bob, me, { uuid: 'u1', serverId: '5', fromAccount: me }),
    {
      lastMsgType: '1',
      lastMsg: { type: 'deleteMsg', scene: 'p2p', time, from: me, to: 'bob', opeAccount: me, deletedIdClient: 'u1', deletedIdServer: '5', status: 'success' },
    },
    {
      lastMsgInfo: {
        isLastMsgRecalled: true,
        revokedMsg: {
          type: 'recallMsgP2p', time, from: me, to: 'bob', idServer: '5', state: 'none', feature: 'default',
          recallMessageInfo: { idClient: 'u1', idServer: '5', createTime: time, fromNick: '', opeAccount: me },
        },
      },
    },
  ],
]

for (const [name, given, web, ng] of sessions) {
  test(`a session by the vendor's names: ${name}`, () => {
    assert.deepEqual(webSession(given, me), { id: idOf(given), updateTime: time, ...web })
    assert.deepEqual(ngSession(given, me), { sessionId: idOf(given), updateTime: time, ...ng })
  })
}

/** Where the Web SDK has what a message is about, by its type. */
const bodies: [message: Partial<NIMMessage>, web: object][] = [
  [{ messageType: 'image', content: '', messageAttachment: { url: 'https://i/1', w: 3 } }, { type: 'image', text: '', file: { url: 'https://i/1', w: 3 } }],
  [{ messageType: 'audio', content: null }, { type: 'audio', text: '', file: {} }],
  [{ messageType: 'location', messageAttachment: { lat: 1, lng: 2, title: 't' } }, { type: 'geo', text: '', geo: { lat: 1, lng: 2, title: 't' } }],
  [{ messageType: 'tip', content: 'careful' }, { type: 'tip', text: '', tip: 'careful' }],
  [{ messageType: 'notification', messageAttachment: { type: 'addTeamMembers' } }, { type: 'notification', text: '', attach: { type: 'addTeamMembers' } }],
  [{ messageType: 'custom', messageAttachment: { a: 1 } }, { type: 'custom', text: '', content: '{"a":1}' }],
  [{ messageType: 'custom', content: 'plain' }, { type: 'custom', text: '', content: 'plain' }],
  [{ messageType: 'avchat', content: '' }, { type: 'g2', text: '', content: '' }],
]

test('a message holds what it is about where its type has it', () => {
  for (const [message, expected] of bodies) {
    const { text: _, ...shared } = webBob
    const web = webSession(session(bob, message), me).lastMsg
    assert.deepEqual(web, { ...shared, ...expected }, message.messageType)
    const info = ngSession(session(bob, message), me).lastMsgInfo
    assert.equal(info?.lastMsg?.body, message.content ?? (message.content === null ? '' : 'hello'))
    assert.deepEqual(info?.lastMsg?.attach, message.messageAttachment)
  }
})

test('an id splits at its first - and comes back the same', () => {
  for (const key of [bob, team, odd, { sessionId: '-', sessionType: 'p2p' as const }]) assert.deepEqual(keyOf(idOf(key)), key)
  for (const id of ['', 'bob', '-bob', 'p2p', 'p2p|bob', 'super_team-1', 'constructor-1', 'P2P-bob']) assert.equal(keyOf(id), undefined, id)
})
