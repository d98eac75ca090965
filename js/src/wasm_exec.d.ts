/**
 * Go's own lib/wasm/wasm_exec.js, which the build takes from the Go that
 * compiles the core, and wraps so that what it would put on globalThis (Go, fs,
 * process, path) lands in `scope`: an app's page is not ours to change.
 */
declare module 'wasm_exec' {
  export const scope: {
    Go: new () => Go
    fs: { writeSync(fd: number, bytes: Uint8Array): number }
  }

  export interface Go {
    env: Record<string, string>
    importObject: WebAssembly.Imports
    exit: (code: number) => void
    /** Runs main until it waits; the promise resolves when the program ends. */
    run(instance: WebAssembly.Instance): Promise<void>
  }
}
