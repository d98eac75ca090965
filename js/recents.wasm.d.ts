/** The core. Bundlers that are told to treat it as a file give its URL, which is what `wasmUrl` takes. */
declare const url: string
export default url
