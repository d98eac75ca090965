/** What the page tells that the core wants to hear. */
export interface PageEvents {
  network(online: boolean): void
  /** The page became visible, was shown again or resumed. */
  woke(): void
  /** The page is frozen, or put away: nothing runs until it wakes, if ever. */
  left(): void
}

/** Whether the user sees the page; a Worker counts as seen. */
export function isVisible(): boolean {
  return typeof document === 'undefined' || document.visibilityState === 'visible'
}

/** What the browser says of the network; where it says nothing, there is one. */
export function isOnline(): boolean {
  return typeof navigator === 'undefined' || navigator.onLine !== false
}

/** Listens to the page, as far as there is one (a Worker has a network and no document, Node has neither). Returns what ends it. */
export function watchPage(events: PageEvents): () => void {
  const undo: (() => void)[] = []
  const on = (target: EventTarget | undefined, type: string, listener: (event: Event) => void): void => {
    if (typeof target?.addEventListener !== 'function') return
    target.addEventListener(type, listener)
    undo.push(() => target.removeEventListener(type, listener))
  }
  const scope = globalThis as unknown as EventTarget
  const page = typeof document === 'undefined' ? undefined : document
  on(scope, 'online', () => events.network(true))
  on(scope, 'offline', () => events.network(false))
  on(scope, 'pageshow', (event) => (event as PageTransitionEvent).persisted && events.woke())
  on(page, 'visibilitychange', () => page?.visibilityState === 'visible' && events.woke())
  on(page, 'resume', () => events.woke())
  on(page, 'freeze', () => events.left())
  on(scope, 'pagehide', () => events.left())
  return () => undo.forEach((end) => end())
}

/** One channel for all waits, as to make and close one for each takes longer than the wait; undefined until the first. */
let channel: MessageChannel | undefined
/** Those that wait, in order: each message is for one. */
const waiting: (() => void)[] = []

/** Resolves in a task of its own; setTimeout would wait 4 ms each time. */
export function nextTask(): Promise<void> {
  if (typeof MessageChannel === 'undefined') return new Promise((resolve) => setTimeout(resolve)) // jsdom has none
  const { port1, port2 } = (channel ??= openChannel())
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) holdProcess(port1, true)
    port2.postMessage(null)
  })
}

function openChannel(): MessageChannel {
  const channel = new MessageChannel()
  const { port1 } = channel
  port1.onmessage = () => {
    const resolve = waiting.shift()!
    if (waiting.length === 0) holdProcess(port1, false)
    resolve()
  }
  return channel
}

/** Node does not end while a port is open, unless told so; a browser knows nothing of it. */
function holdProcess(port: MessagePort, hold: boolean): void {
  const { ref, unref } = port as { ref?(): void; unref?(): void }
  ;(hold ? ref : unref)?.call(port)
}
