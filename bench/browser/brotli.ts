import { brotliCompressSync, constants } from 'node:zlib'

/** The quality of a web server that compresses once and keeps what came of it. */
export const best = 11

/** A file as it travels. */
export function brotli(file: Buffer, quality: number): Buffer {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants
  return brotliCompressSync(file, { params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: file.length } })
}
