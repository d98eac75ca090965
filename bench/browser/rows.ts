/** The sessions that everybody is given: the same for each seed, in every run. */

/** A session as ours travels and as a peer stores it. About 600 bytes of JSON, a third of them with CJK text. */
export interface Session {
  key: string
  updateTime: number
  ext: string
  message: { uuid: string; serverId: string; fromAccount: string; fromNickname: string; content: string; [name: string]: unknown }
}

const oldest = 1_700_000_000_000

const words = ['station', 'breakfast', 'tomorrow', 'the draft', 'a bit late', 'see you', 'thanks', 'perfect', 'call me', 'on my way', 'next week', 'photos', 'tickets', 'rain']
const cjk = ['周末去爬山吗', '好的没问题', '明天见', '我在路上了', 'ありがとう', 'また来週', '写真を送ります', '점심 먹었어요', '회의는 세 시', '谢谢你的帮助', '晚点再说', '电影票买好了']
const people = ['Ada', 'Björn', 'Chidi', 'Dana', 'Emre', '小明', '佐藤', '지우', 'Olga', 'Pavel', 'Leila', 'Nikhil']

/** A generator of numbers from 0 up to a bound, the same for the same seed (mulberry32). */
export function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** `count` sessions, oldest first. */
export function sessions(count: number, seed = 1): Session[] {
  const next = random(seed)
  return Array.from({ length: count }, (_, n) => session(n, n, next))
}

/** `count` changes, newer than all before: each a new message in another one of `among` sessions, until all had one. */
export function changes(count: number, among: number, first: number, seed = 2): Session[] {
  const next = random(seed)
  return Array.from({ length: count }, (_, n) => session(((first + n) * 7919) % among, first + n, next))
}

function session(id: number, order: number, next: (below: number) => number): Session {
  const from = `user-${id}`
  const updateTime = oldest + order * 1000
  return {
    key: `p2p|${from}`,
    updateTime,
    ext: `{"pinned":${next(20) === 0},"tag":"t${next(9)}"}`,
    message: {
      uuid: `${next(2 ** 32).toString(16).padStart(8, '0')}-${order}`, serverId: String(7_130_316_800_000_000_000n + BigInt(order)), sessionId: from, sessionType: 'p2p',
      fromAccount: from, messageType: 'text', timestamp: updateTime, messageDirection: 'received', status: 'success',
      fromNickname: `${people[next(people.length)]} ${id}`, content: text(order % 3 === 0 ? cjk : words, next), pushContent: 'You have a new message',
    },
  }
}

/** A text of about 200 bytes. */
function text(from: readonly string[], next: (below: number) => number): string {
  let content = ''
  for (let bytes = 0; bytes < 200; ) {
    const word = from[next(from.length)]!
    content += `${word} `
    bytes += word.length * (from === cjk ? 3 : 1) + 1
  }
  return content
}

/** The row as it travels from a server of ours, at a place of the log (core.AppendRow). */
export function wireRow({ key, updateTime, ext, message }: Session, seq: number): string {
  return JSON.stringify({ k: key, q: seq, t: updateTime, x: ext, xq: 1, m: message })
}
