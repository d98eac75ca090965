import assert from 'node:assert/strict'
import test from 'node:test'
import { scope } from 'wasm_exec'

// Where the runtime says why it ends: machine.ts reads it.
test('what Go writes to its standard error reaches scope.fs', () => {
  const go = new scope.Go() as unknown as { mem: DataView; _inst: object; importObject: { gojs: Record<string, (sp: number) => void> } }
  const memory = new ArrayBuffer(64)
  go.mem = new DataView(memory)
  go._inst = { exports: { mem: { buffer: memory } } }
  new Uint8Array(memory).set(new TextEncoder().encode('panic'), 40)
  go.mem.setUint32(8, 2, true) // the file descriptor, a pointer, a length: as the runtime lays them out
  go.mem.setUint32(16, 40, true)
  go.mem.setInt32(24, 5, true)
  const written: [number, string][] = []
  const { writeSync } = scope.fs
  scope.fs.writeSync = (fd, bytes) => {
    written.push([fd, new TextDecoder().decode(bytes)])
    return bytes.length
  }
  try {
    go.importObject.gojs['runtime.wasmWrite']!(0)
  } finally {
    scope.fs.writeSync = writeSync
  }
  assert.deepEqual(written, [[2, 'panic']])
})
