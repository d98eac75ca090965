import type { ClientStatus } from 'recents'

/** The connection in words. */
export const connections: Record<ClientStatus['connection'], string> = {
  connecting: 'Connecting…',
  live: 'Live',
  offline: 'Offline',
  unauthorized: 'Signed out',
  closed: 'Closed',
}

/** The status in one line: what waits is said before what is saved, and memory only where a reload would lose it. */
export function summaryOf({ connection, storage, cached, pending }: ClientStatus): string {
  const parts = [connections[connection]]
  if (pending > 0) parts.push(pending === 1 ? '1 change waiting' : `${pending} changes waiting`)
  else parts.push(`${cached.toLocaleString('en')} saved`)
  if (storage === 'memory') parts.push('in memory')
  return parts.join(' · ')
}
