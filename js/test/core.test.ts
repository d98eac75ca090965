import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Core, type Host } from '../src/core.js'
import type { Effect } from '../src/effects.js'
import type { Machine } from '../src/machine.js'
import { nextTask } from '../src/page.js'
import { EvGoOn, EvStart, FxPause, FxStatus } from '../src/wire.gen.js'

/** What becomes of time in a task, and of the collector, with a machine that does as it is told. */
class FakeMachine {
  readonly handled: number[] = []
  answers: (kind: number) => Effect[] = () => []
  /** How long each breath takes, ms, the next one first; then 0. */
  breaths: number[] = []
  breathed = 0
  collected = 0

  handle(kind: number): Effect[] {
    this.handled.push(kind)
    return this.answers(kind)
  }

  breathe(): number {
    this.breathed++
    return this.breaths.shift() ?? 0
  }

  collect(): void {
    this.collected++
  }
}

const pause = effect(FxPause)

function effect(kind: number, data: object = {}): Effect {
  return { kind, id: 0, code: 0, path: '', data: new TextEncoder().encode(JSON.stringify(data)) }
}

function status(cursor: string): Effect {
  return effect(FxStatus, { connection: 'connecting', storage: 'memory', leader: true, cached: 0, pending: 0, cursor, lastError: '', rests: false })
}

async function loaded(machine: FakeMachine): Promise<Core> {
  const host = { settings: { account: 'alice', maxCached: 100, echoOwn: false, reject: false, log() {} }, store: undefined, status() {}, died: assert.fail } as unknown as Host
  const core = new Core(host, machine as unknown as Machine, undefined)
  await core.load(true, undefined)
  return core
}

/** A clock that only the test moves. */
function clock(t: TestContext): { now: number } {
  const time = { now: 0 }
  t.mock.method(performance, 'now', () => time.now)
  return time
}

test('a task that is short goes on with what the core has to do, and one that is not leaves it to the next', async (t) => {
  const time = clock(t)
  const machine = new FakeMachine()
  const core = await loaded(machine)
  machine.handled.length = 0
  machine.answers = () => {
    time.now += 0.4
    return machine.handled.length < 6 ? [pause] : []
  }
  core.call(1, 1, '{}')
  assert.equal(machine.handled.length, 3, 'a third slice begins after 0.8 ms, and a fourth would after 1.2')
  assert.equal(machine.handled[2], EvGoOn)
  await nextTask()
  await nextTask()
  assert.equal(machine.handled.length, 6)
  core.stop()
})

test('a task ends by itself where the clock stands still', async (t) => {
  clock(t)
  const machine = new FakeMachine()
  const core = await loaded(machine)
  machine.handled.length = 0
  machine.answers = () => (machine.handled.length < 30 ? [pause] : [])
  core.call(1, 1, '{}')
  assert.equal(machine.handled.length, 9)
  for (let n = 0; n < 5; n++) await nextTask()
  assert.equal(machine.handled.length, 30)
  core.stop()
})

test('garbage is collected from when there is a list', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const machine = new FakeMachine()
  machine.answers = (kind) => (kind === EvStart ? [status('')] : [status('e1.5')])
  const core = await loaded(machine)
  t.mock.timers.tick(1000)
  assert.equal(machine.collected, 0)
  core.call(1, 1, '{}')
  assert.equal(machine.collected, 0, 'the app goes first')
  t.mock.timers.tick(1)
  assert.equal(machine.collected, 1)
  core.call(2, 1, '{}')
  t.mock.timers.tick(100_000)
  assert.equal(machine.collected, 1, 'once')
  core.stop()
})

test('garbage is collected at once where the list was stored, and after 3 s without one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const machine = new FakeMachine()
  machine.answers = () => [status('e1.5')]
  const core = await loaded(machine)
  assert.equal(machine.collected, 0, 'the app goes first')
  t.mock.timers.tick(1)
  assert.equal(machine.collected, 1)
  core.stop()

  const other = new FakeMachine()
  other.answers = () => [status('')]
  const waiting = await loaded(other)
  t.mock.timers.tick(2999)
  assert.equal(other.collected, 0)
  t.mock.timers.tick(1)
  assert.equal(other.collected, 1)
  waiting.stop()
})

test('the collector gets its share until it did nothing for half a second, and anew after each event', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const machine = new FakeMachine()
  const core = await loaded(machine)
  breathsOf(t, machine, () => {}) // those of the start

  machine.breaths = [0, 3, 0, 0, 2]
  const at = breathsOf(t, machine, () => core.call(1, 1, '{}'))
  assert.deepEqual(at, [0, 8, 16, 32, 64, 72, 88, 120, 184, 312, 568])

  machine.breaths = []
  assert.deepEqual(breathsOf(t, machine, () => core.call(2, 1, '{}')), [0, 8, 24, 56, 120, 248, 504])
  core.stop()
})

/** When breaths came after something was done, ms, within 5 s. */
function breathsOf(t: TestContext, machine: FakeMachine, run: () => void): number[] {
  const at: number[] = []
  machine.breathed = 0
  run()
  for (let ms = 0; ms < 5000; ms++) {
    for (; machine.breathed > 0; machine.breathed--) at.push(ms)
    t.mock.timers.tick(1)
  }
  return at
}

test('nothing comes after the end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const machine = new FakeMachine()
  const core = await loaded(machine)
  core.call(1, 1, '{}')
  core.stop()
  machine.breathed = 0
  t.mock.timers.tick(100_000)
  assert.equal(machine.breathed + machine.collected, 0)
})
