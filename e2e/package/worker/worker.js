import { connect } from '../node_modules/recents/index.js'
import { show } from '../show.js'

onmessage = ({ data }) => show(connect, (said) => postMessage(said), data)
