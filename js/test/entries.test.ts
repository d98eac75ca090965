/** Compiled and never run: the other entries of the package are what their types say. */
import type * as nimApi from '../src/nim.api.js'
import type * as nim from '../src/nim.js'
import type * as ngApi from '../src/nim-ng.api.js'
import type * as ng from '../src/nim-ng.js'
import type * as webApi from '../src/nim-web.api.js'
import type * as web from '../src/nim-web.js'
import type * as reactApi from '../src/react.api.js'
import type * as react from '../src/react.js'

/** Compiles when a module has all that its types tell, and each of it can stand for what they tell. */
function is<_Ours extends Told, Told>(): void {}

export function compileOnly(): void {
  is<typeof nim, typeof nimApi>()
  is<typeof web, typeof webApi>()
  is<typeof ng, typeof ngApi>()
  is<typeof react, typeof reactApi>()
  is<keyof typeof nim, keyof typeof nimApi>()
  is<keyof typeof web, keyof typeof webApi>()
  is<keyof typeof ng, keyof typeof ngApi>()
  is<keyof typeof react, keyof typeof reactApi>()
}
