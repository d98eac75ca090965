import type { ConnectOptions } from './api.js'

export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Writes a log line: never a token, never a message. */
export type Log = (level: Level, message: string, details?: object) => void

/** The log of an app's logger. Without one, warnings and errors go to the console, so that none is lost. */
export function logTo(logger: ConnectOptions['logger']): Log {
  return (level, message, details) => {
    try {
      if (logger) logger[level]?.(message, details)
      else if (level === 'warn' || level === 'error') console[level](`recents: ${message}`, ...(details ? [details] : []))
    } catch {
      // A logger that throws has nowhere left to tell it.
    }
  }
}

/** Calls a function of the app's; what it throws is logged, and keeps nothing else from being done. */
export function guarded<A extends unknown[]>(log: Log, name: string, call: ((...args: A) => unknown) | undefined, ...args: A): void {
  try {
    call?.(...args)
  } catch (error) {
    log('error', `${name} threw`, { error })
  }
}
