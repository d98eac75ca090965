import type { NIMResult } from './api.js'
import { CodeBadParam } from './wire.gen.js'

/** What is thrown inside the package when a call or an option is refused; it never leaves the package. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    details: string,
  ) {
    super(details)
  }
}

/** A refusal of a value: `details` names it and its bound. */
export function badParam(details: string): Refusal {
  return new Refusal(CodeBadParam, details)
}

/** The result of a call that this side settles without a core. */
export function refused(code: number, errorDetails: string): NIMResult<never> {
  return { code, data: null, errorDetails, isSuccess: false, source: 'cache', fresh: false, complete: true, asOf: 0, pending: false }
}

/**
 * What can be said of a thrown value, which may be anything: the text of an
 * error, and no more than the type of the rest.
 */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : typeof error
}
