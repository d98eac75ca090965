import { connect } from 'recents'
import { options, size } from './address.js'
import { done } from './list.js'

/** Until the core runs and knows every session. */
const client = connect(options)
await client.ready
if (client.status.cached !== Number(size)) throw new Error(`${client.status.cached} sessions are cached, not ${size}`)
done()
