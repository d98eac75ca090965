// @ts-check
/**
 * What every app here does, by whatever tool it was built: it lists the sessions of the account that its address
 * names, on the server that its address names, and says so on the page.
 *
 * @param {typeof import('recents').connect} connect as the app imported it
 * @param {(said: Record<string, string>) => void} say
 * @param {string} address with `?url=…&account=…`
 */
export async function show(connect, say, address) {
  const { url, account } = Object.fromEntries(new URL(address).searchParams)
  const client = connect({ url, account, token: () => devToken(url, account) })
  const list = async () => {
    const { data, errorDetails } = await client.messageService.queryMySessionList({ limit: 20 })
    say({ sessions: data ? data.sessionList.map(({ sessionId }) => sessionId).join(' ') : errorDetails })
  }
  client.messageService.onMySessionUpdate.listen(list)
  client.onStatus.listen(({ connection }) => say({ connection }))
  await list()
  say({ core: (await client.ready) || 'runs' })
}

/**
 * @param {string} url
 * @param {string} account
 * @returns {Promise<string>}
 */
async function devToken(url, account) {
  const response = await fetch(`${url}/v1/dev/token`, { method: 'POST', body: JSON.stringify({ account }) })
  return (await response.json()).data.token
}

/** Says it on the page. @param {Record<string, string>} said */
export function onPage(said) {
  Object.assign(document.body.dataset, said)
}
