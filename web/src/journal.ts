import type { Client, MessageService, NIMResult, SessionKey } from 'recents'
import { keyOf } from './sessions'

/** Something that the client did, for the inspector. Names of calls and sessions only: never what people wrote. */
export interface Note {
  /** ms */
  readonly at: number
  readonly kind: 'answer' | 'update' | 'delete' | 'settled' | 'status'
  readonly text: string
  /** How long the answer took, ms. */
  readonly ms?: number
  /** How often it came in a row, this being the last time. */
  readonly times: number
}

/** How many notes are kept. */
const longest = 50

/** Writes down what a client answers and tells, newest first. */
export class Journal {
  readonly #notes: Note[] = []
  #listener: () => void = () => {}

  /** The newest {@link longest}. */
  get notes(): readonly Note[] {
    return this.#notes
  }

  /** Has one listener told of each note. */
  listen(listener: () => void): void {
    this.#listener = listener
  }

  /** Follows a client's streams. */
  follow({ messageService, onSettled, onStatus }: Client): void {
    messageService.onMySessionUpdate.listen((session) => this.#note('update', keyOf(session)))
    messageService.onMySessionDelete.listen((keys) => this.#note('delete', keys.map(keyOf).join(', ')))
    onSettled.listen(({ op, code, errorDetails, sessions }) => this.#note('settled', `${op} ${keysOf(sessions)}: ${codeText(code, errorDetails)}`))
    onStatus.listen(({ connection, pending, cursor }) => this.#note('status', `${connection}, ${pending} waiting, at ${cursor || 'nothing'}`))
  }

  /** The same calls, each noted with its outcome and how long it took. */
  timed(service: MessageService): MessageService {
    return {
      onMySessionUpdate: service.onMySessionUpdate,
      onMySessionDelete: service.onMySessionDelete,
      queryMySessionList: this.#timed('queryMySessionList', service.queryMySessionList),
      queryMySession: this.#timed('queryMySession', service.queryMySession),
      updateMySession: this.#timed('updateMySession', service.updateMySession),
      deleteMySession: this.#timed('deleteMySession', service.deleteMySession),
    }
  }

  #timed<F extends (...args: never[]) => Promise<NIMResult<unknown>>>(name: string, call: F): F {
    const timed = async (...args: Parameters<F>): Promise<NIMResult<unknown>> => {
      const began = performance.now()
      const result = await call(...args)
      const { code, errorDetails, source, fresh } = result
      this.#note('answer', `${name}: ${codeText(code, errorDetails)}, ${source}${fresh ? ', fresh' : ''}`, performance.now() - began)
      return result
    }
    return timed as F
  }

  /** Notes something; the same as the last time is counted, so that 200 pages read on do not drive out what went before. */
  #note(kind: Note['kind'], text: string, ms?: number): void {
    const [last] = this.#notes
    const same = last?.kind === kind && last.text === text
    const note = { at: Date.now(), kind, text, times: same ? last.times + 1 : 1, ...(ms === undefined ? {} : { ms }) }
    this.#notes.splice(0, same ? 1 : 0, note)
    this.#notes.length = Math.min(this.#notes.length, longest)
    this.#listener()
  }
}

function keysOf(sessions: readonly SessionKey[]): string {
  return sessions.map(keyOf).join(', ')
}

function codeText(code: number, details: string): string {
  return details ? `${code} ${details}` : `${code}`
}
