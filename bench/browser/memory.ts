import { categories, readTrace, yardstick } from '../../e2e/frames'
import { sized } from './boot'
import { ours, type Sample } from './sample'
import type { Stage } from './stage'

const megabyte = 2 ** 20

/** How many times slower the CPU is made for the page's tasks. */
const rate = 4

/** The core's linear memory, and the tasks that hold the page. */
export async function memory(stage: Stage): Promise<Sample[]> {
  return [...(await linear(stage, 10_000, 16)), ...(await linear(stage, 100_000, 100)), ...(await stalls(stage))]
}

async function linear(stage: Stage, size: number, bound: number): Promise<Sample[]> {
  const profile = await stage.profile()
  const page = await stage.page(profile, 'recents')
  const after: Record<string, number> = {}
  await page.evaluate((count) => window.bench.fill(count), size)
  after['after the first sync'] = await page.evaluate(() => window.recents.memory())
  await page.evaluate(() => window.recents.close())
  await page.reload()
  await page.evaluate((count) => window.recents.load(count), size)
  after['after a warm start'] = await page.evaluate(() => window.recents.memory())
  await profile.close()
  return Object.entries(after).map(([when, bytes]) => ({
    measure: `linear memory ${when}`, size: sized(size), unit: 'MB', against: '', bound, rounds: { [ours]: [bytes / megabyte] },
  }))
}

/** What a page of ours goes through while its tasks are watched. */
const scenes = {
  'the first sync': (count: number) => window.bench.fill(count),
  'changes, 20 a second': () => window.recents.trickle(60, 1, 50),
  'a backlog of 2,000 changes': async () => void (await window.bench.update!(2000, 100)),
  'lists of 100': () => window.recents.lists(30),
  'a warm start, and a list a second later': async (count: number) => {
    await window.recents.close()
    await window.recents.load(count)
  },
}

async function stalls(stage: Stage): Promise<Sample[]> {
  const size = 10_000
  const longest: Record<string, number[]> = {}
  for (let round = 0; round < 5; round++) {
    const profile = await stage.profile()
    const page = await stage.page(profile, 'recents')
    await page.evaluate(`setInterval(${yardstick}, 100)`)
    const trace = async (work: () => Promise<unknown>) => {
      await stage.browser.startTracing(page, { categories })
      await work()
      return readTrace(await stage.browser.stopTracing())
    }
    const fast = median((await trace(() => page.waitForTimeout(1000))).yardsticks) // the time is the sample's size
    const cdp = await profile.newCDPSession(page)
    await cdp.send('Emulation.setCPUThrottlingRate', { rate })
    await page.evaluate((count) => window.recents.prepare(count), size)
    for (const [name, scene] of Object.entries(scenes)) {
      const { tasks, yardsticks } = (await trace(() => page.evaluate(scene, size))).watched
      if (tasks.length === 0) throw new Error(`${name}: no task was watched`)
      const slowdown = Math.max(rate, ...yardsticks.map((ms) => ms / fast))
      ;(longest[name] ??= []).push((Math.max(...tasks.map(({ whole }) => whole)) * rate) / slowdown)
    }
    await profile.close()
  }
  return Object.entries(longest).map(([name, rounds]) => ({
    measure: `the longest task: ${name}`, size: `${sized(size)}, CPU ${rate} times slower`, unit: 'ms', against: '', bound: 16, rounds: { [ours]: rounds },
    note: `CPU time of a whole task of the main thread, the browser’s own part in it included, by a trace; what a trace’s fixed work takes at the same moment says how slow the CPU is. It is the one longest of thousands. ${reasons[name as keyof typeof scenes]}`,
  }))
}

/** What the longest task is by a profile, and what was done about it. */
const reasons: Record<keyof typeof scenes, string> = {
  'the first sync': 'By a profile it is the start of Go’s runtime: one call, in which the browser compiles some hundred functions at their first use, 11 ms on this machine as it is. The next ones are the browser’s own reading of the program, half as long. Tried: to compile it at once and not as it comes, which moved the same time elsewhere. To make the instance, to start it and to give it what it needs are tasks of their own, and garbage is not collected before there is a list.',
  'changes, 20 a second': 'By a profile it was the collector of Go’s runtime, which marked all of a list in one go, 20 ms at this speed. It gets a share of the time after each event now, and short tasks of its own until it is through.',
  'a backlog of 2,000 changes': 'As above; and a block of the list moves few pointers when a session comes to its top, since while garbage is collected each of them is told to the collector. What is long now is the record of what changed on its way to storage.',
  'lists of 100': 'By a profile it is the first list that is asked for: the functions for it are compiled at their first use, and a hundred sessions decoded. The others take a tenth of that.',
  'a warm start, and a list a second later': 'By a profile it is the list, a hundred sessions that are written by the core, decoded and copied for the first time; or, as long, a record of a megabyte that the backlog before it left in storage; or the first words of the server beside a share of the collector’s. Four records of storage are read in a task, where it were sixteen, and no more than 3 ms of them are taken at a time.',
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1]!
}
