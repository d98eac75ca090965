/** What the worker uses of the edge runtime, beyond what a browser has too. */

declare module 'cloudflare:workers' {
  export class DurableObject {
    constructor(ctx: any, env: any)
    ctx: any
    env: any
  }
}

declare module 'edge_wasm_exec' {
  /** Go's own loader, and what it takes for globals. */
  export class Go {
    env: Record<string, string>
    importObject: WebAssembly.Imports
    exit: (code: number) => void
    run(instance: WebAssembly.Instance): Promise<void>
  }
  export const scope: Record<string, any>
}

declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}

interface WebSocket {
  accept(): void
  serializeAttachment(value: unknown): void
  deserializeAttachment(): unknown
}

interface ResponseInit {
  webSocket?: WebSocket
}

declare class WebSocketPair {
  0: WebSocket
  1: WebSocket
}

declare class WebSocketRequestResponsePair {
  constructor(request: string, response: string)
}

interface Scheduler {
  wait(ms: number): Promise<void>
}
