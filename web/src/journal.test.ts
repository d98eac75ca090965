import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageService } from 'recents'
import { Journal } from './journal'

/** A service whose answers come from the cache. */
function service(code: number): MessageService {
  const answer = async (): Promise<object> => ({ code, errorDetails: code ? 'why' : '', source: 'cache', fresh: true })
  return { queryMySessionList: answer, queryMySession: answer, updateMySession: answer, deleteMySession: answer } as never
}

test('answers are noted with what came of them, newest first, and the same ones counted', async () => {
  const journal = new Journal()
  let told = 0
  journal.listen(() => told++)
  const timed = journal.timed(service(0))
  await timed.queryMySessionList()
  await timed.queryMySessionList()
  await journal.timed(service(503)).updateMySession('bob', 'p2p', 'secret')
  assert.deepEqual(journal.notes.map(({ kind, text, times }) => [kind, text, times]), [
    ['answer', 'updateMySession: 503 why, cache, fresh', 1],
    ['answer', 'queryMySessionList: 0, cache, fresh', 2],
  ])
  assert.equal(told, 3)
})

test('only the newest are kept', async () => {
  const journal = new Journal()
  for (let i = 0; i < 80; i++) await journal.timed(service(i)).queryMySession('bob')
  assert.equal(journal.notes.length, 50)
  assert.match(journal.notes[0]!.text, /: 79 why/)
})
