import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
const apps = fileURLToPath(new URL('.', import.meta.url))
const modules = join(root, 'e2e/node_modules')

/** What a run of a command printed. */
export async function run(directory: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: directory, timeout: 120_000, maxBuffer: 1 << 24 })
  return stdout
}

/** Runs a tool of e2e's node_modules. */
export function tool(directory: string, name: string, ...args: string[]): Promise<string> {
  return run(directory, join(modules, '.bin', name), ...args)
}

/** Packs what was built; the path of the tarball. */
export async function pack(directory: string): Promise<string> {
  const [packed] = JSON.parse(await run(join(root, 'build/sdk'), 'npm', 'pack', '--json', '--pack-destination', directory))
  return join(directory, packed.filename)
}

/**
 * Makes a directory of the apps and installs the package there as any app does: by its tarball, with nothing of the
 * network. Each caller has its own, by its name.
 */
export async function install(name: string): Promise<string> {
  const place = join(root, 'build/test/package', name)
  await rm(place, { recursive: true, force: true })
  await mkdir(place, { recursive: true })
  for (const entry of await readdir(apps, { withFileTypes: true })) {
    if (entry.isDirectory() || entry.name === 'show.js') await cp(join(apps, entry.name), join(place, entry.name), { recursive: true })
  }
  await writeFile(join(place, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  await run(place, 'npm', 'install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', await pack(place))
  await mkdir(join(place, 'node_modules/@types'), { recursive: true })
  // What an app would install beside it, which is here already.
  for (const name of ['react', 'react-dom', 'react-18', 'react-dom-18', '@types/react', 'csstype']) {
    await symlink(join(modules, name), join(place, 'node_modules', name))
  }
  return place
}
