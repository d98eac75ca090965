/**
 * Lets the page open when its server is down: a service worker keeps the page's own files, and the SDK
 * has the sessions. Browsers without one, and plain-http origins, merely lack that.
 */
export async function keepShell(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  await navigator.serviceWorker.register('/sw.js').catch(() => null) // private windows refuse it
  const { active } = await navigator.serviceWorker.ready
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => (document.documentElement.dataset.shell = 'kept')
  active?.postMessage({ keep: loadedFiles() }, [port2])
}

/** What this page loaded before the worker was there to see it: among it the SDK's files, whose names it does not know. */
function loadedFiles(): string[] {
  const entries = performance.getEntriesByType('resource').map(({ name }) => name)
  const linked = [...document.querySelectorAll('link')].map(({ href }) => href) // the icons and the manifest, which leave no entry
  return [location.href, ...entries, ...linked].filter((url) => url.startsWith(location.origin) && !new URL(url).pathname.startsWith('/v1/'))
}
