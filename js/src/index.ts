import type { Client, ConnectOptions } from './api.js'
import { LiveClient, refusedClient } from './client.js'
import { Refusal, textOf, badParam } from './result.js'
import { readSettings } from './settings.js'

export type * from './api.js'

/** Connects an account. Returns at once, throws nothing: options that are refused give a client that says so. */
export function connect(options: ConnectOptions): Client {
  try {
    return new LiveClient(readSettings(options))
  } catch (error) {
    return refusedClient(error instanceof Refusal ? error : badParam(textOf(error)))
  }
}
