/** Result codes (contract.md §3) in words for the person in front of the page. */

const words: Record<number, string> = {
  302: 'The server did not accept the sign-in.',
  403: 'That is not allowed.',
  404: 'The server does not know that chat.',
  408: 'The server took too long.',
  409: 'The same message was already sent with another text.',
  413: 'That is too long to send.',
  414: 'The server refused a value.',
  415: 'The server cannot be reached.',
  416: 'Too many requests. Wait a moment.',
  500: 'Something went wrong on the server.',
  503: 'The server is not ready yet.',
}

/** Says what a code means, with the server's own text behind it. */
export function inWords(code: number, details: string): string {
  const sentence = words[code] ?? `The server answered with code ${code}.`
  return details ? `${sentence} (${details})` : sentence
}

/** What a failed send means: for a group, 403 and 404 have a cause that can be named. */
export function sendFailure(code: number, details: string, to: { sessionId: string; sessionType: string }): string {
  if (to.sessionType === 'p2p') return inWords(code, details)
  const group = to.sessionType === 'team' ? 'team' : 'super team'
  if (code === 404) return `There is no ${group} “${to.sessionId}”. Teams are made by the app’s server: pick one from your list.`
  if (code === 403) return `You are not a member of the ${group} “${to.sessionId}”, so you can’t send to it.`
  return inWords(code, details)
}
