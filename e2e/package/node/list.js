// Lists in Node what the address names, then ends: a client that is closed keeps no process alive.
import { connect } from 'recents'
import * as nim from 'recents/nim'
import * as ng from 'recents/nim-ng'
import * as web from 'recents/nim-web'
import * as react from 'recents/react'
import manifest from 'recents/package.json' with { type: 'json' }
import { show } from '../show.js'

if (!nim.NimCore || !ng.NIM || !web.NIM || !react.useSessionList) throw new Error('an entry lacks its export')
if (!import.meta.resolve('recents/recents.wasm').endsWith('/recents/recents.wasm')) throw new Error('recents.wasm is not found')

let client
const said = { version: manifest.version, document: typeof document }
await show((options) => (client = connect(options)), (more) => Object.assign(said, more), process.argv[2])
await client.close()
console.log(JSON.stringify(said))
