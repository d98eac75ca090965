/** What the page's address says: where the server is, with which token, and how many sessions are held. */
export const { server = 'http://loopback.invalid', token = 'none', size = '0' } = Object.fromEntries(new URLSearchParams(location.search))

/** Whose list it is. */
export const account = 'me'

/** The options of connect that all pages of ours share, so that they share storage. */
export const options = { url: server, account, token, maxCachedSessions: 200_000 }
