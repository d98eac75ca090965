import type { Api } from './api.mjs'

/** Messages under way at a time: the server commits what comes together in one go. */
const atATime = 32

const greetings = ['See you tomorrow', 'Thanks, got it', 'On my way', 'Can you call me back?', 'Happy birthday!', 'The parcel is here', 'Same time next week?', 'Good night']
const names = ['Ada', 'Björn', 'Chidi', 'Dana', 'Emre', 'Fatou', 'Goran', 'Hana', 'Ines', 'Jun', 'Kofi', 'Leila', 'Mara', 'Nikhil', 'Olga', 'Pavel']
const families = ['Abebe', 'Bauer', 'Castro', 'Dubois', 'Eriksen', 'Fischer', 'García', 'Haddad', 'Ito', 'Jansen', 'Kaya', 'Lopez', 'Moreau']

/** The key of one of the crowd. */
export function memberKey(n: number): string {
  return `p2p|member-${n}`
}

/** Gives an account so many sessions, each a message older than the one before by seven minutes. */
export async function crowd(api: Api, account: string, size: number, newest = Date.now()): Promise<void> {
  let next = 0
  const send = async (): Promise<void> => {
    while (next < size) {
      const n = next++
      const fromNickname = `${names[n % names.length]} ${families[n % families.length]}`
      await api.send(`member-${n}`, account, greetings[n % greetings.length]!, { fromNickname, timestamp: newest - 1000 - n * 7 * 60_000 })
    }
  }
  await Promise.all(Array.from({ length: atATime }, send))
}
