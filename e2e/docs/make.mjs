/**
 * Makes docs/api.md of the package's public types, and docs/http-api.md of the server's openapi.json.
 *
 * With --check it writes nothing, and exits 1 when a page is not what it would make.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { apiPage } from './api.mjs'
import { httpPage } from './http.mjs'

const root = new URL('../../', import.meta.url)
const read = (path) => readFile(new URL(path, root), 'utf8')

const pages = {
  'docs/api.md': apiPage(await read('js/src/api.d.ts'), await read('js/src/wire.gen.ts')),
  'docs/http-api.md': httpPage(JSON.parse(await read('server/openapi.json'))),
}

const check = process.argv.includes('--check')
for (const [path, text] of Object.entries(pages)) {
  const now = await read(path).catch(() => '')
  if (now === text) continue
  if (check) {
    console.error(`${path} is not what ./build.sh docs makes`)
    process.exitCode = 1
  } else {
    await writeFile(new URL(path, root), text)
    console.log(`made ${path}`)
  }
}
