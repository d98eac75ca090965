export { Tinode } from 'tinode-sdk'
