import { connect } from 'recents'
import { onPage, show } from '../show.js'

show(connect, onPage, location.href)
