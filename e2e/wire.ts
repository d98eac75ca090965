import type { Page, WebSocketRoute } from '@playwright/test'

/** What to do with a frame of the server's: pass it on, later, often or never. */
export type Filter = (frame: string, pass: (frame: string) => void) => void

/** The WebSockets of a page on their way to the server. A filter set later counts for those that are open. */
export class Wire {
  /** What becomes of the server's frames; everything passes at first. */
  filter: Filter = (frame, pass) => pass(frame)
  /** How many sockets the page has asked for. */
  dials = 0
  #open: WebSocketRoute | undefined
  #silent = new Set<WebSocketRoute>()

  /** Stands between the page and the server from the next socket on. */
  static async of(page: Page): Promise<Wire> {
    const wire = new Wire()
    await page.routeWebSocket('**/v1/updates', (socket) => wire.#join(socket))
    return wire
  }

  #join(socket: WebSocketRoute): void {
    this.dials++
    this.#open = socket
    const server = socket.connectToServer()
    socket.onMessage((frame) => {
      if (!this.#silent.has(socket)) server.send(frame)
    })
    server.onMessage((frame) => {
      if (!this.#silent.has(socket)) this.filter(String(frame), (f) => socket.send(f))
    })
  }

  /** Nothing comes through the socket that is open now, in either direction, and nobody is told. */
  silence(): void {
    this.#silent.add(this.#open!)
  }

  /** Closes the socket that is open now, as the server would. */
  async close(code: number): Promise<void> {
    await this.#open!.close({ code, reason: 'test' })
  }
}

/** What kind of frame it is: ready, delta, behind, reset, or pong. */
export function kindOf(frame: string): string {
  return frame === 'pong' ? frame : JSON.parse(frame).t
}
