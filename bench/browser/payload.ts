import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { best, brotli } from './brotli'
import { ours, type Sample } from './sample'

const kilobyte = 1024 // as the table of ./build.sh build has it

/** The peers' bundles, each with what a list needs of it. */
const peers = { Dexie: 'dexie', idb: 'idb', RxDB: 'rxdb', TinyBase: 'tinybase', 'tinode-sdk': 'tinode' }

/** A quality that takes seconds for a file of 25 MB, where the best takes minutes. */
const fast = 9

/** OpenIM's own build and the files that it loads beside it. */
const openIM = ['lib/index.js', 'lib/worker.js', 'assets/openIM.wasm', 'assets/sql-wasm.wasm', 'assets/wasm_exec.js']

/** Bytes that travel, brotli at its best. */
export async function payload(): Promise<Sample[]> {
  const sdk = await readdir('build/sdk')
  const boot = ['build/sdk/index.js']
  const late = ['build/sdk/core.js']
  const wasm = sdk.filter((name) => name.endsWith('.wasm')).map((name) => join('build/sdk', name))
  const all = [...boot, ...late, ...wasm]
  const beside: Record<string, number[]> = {}
  for (const [peer, name] of Object.entries(peers)) beside[peer] = [await kilobytes([join('build/bench-site/alone', `${name}.js`)])]
  beside['OpenIM'] = [await kilobytes(openIM.map((name) => join('bench/node_modules/@openim/wasm-client-sdk', name)), fast)]
  const budget = { unit: 'KB', against: '' }
  return [
    { ...budget, measure: 'JavaScript before the first list', bound: 10, rounds: { [ours]: [await kilobytes(boot)] } },
    { ...budget, measure: 'recents.wasm', bound: 480, rounds: { [ours]: [await kilobytes(wasm)] } },
    { ...budget, measure: 'all that a page loads', bound: 500, rounds: { [ours]: [await kilobytes(all)], ...beside },
      note: 'a KB is 1,024 bytes. The core and its loader come after the first list. Dexie, idb and TinyBase store and query, RxDB replicates as well, tinode-sdk and OpenIM are clients of chat servers of their own; OpenIM’s 25 MB are compressed a little less hard, at 9.' },
  ]
}

async function kilobytes(files: readonly string[], quality = best): Promise<number> {
  let bytes = 0
  for (const file of files) bytes += brotli(await readFile(file), quality).length
  return bytes / kilobyte
}
