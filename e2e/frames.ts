/** Reads a trace of Chromium: what the page's main thread spent on a page's own doing. */

/** What a task does for the page: its scripts, and the style, layout and painting that they cause. */
const ours = new Set(['FunctionCall', 'EvaluateScript', 'v8.compile', 'RunMicrotasks', 'MinorGC', 'MajorGC', 'UpdateLayoutTree', 'Layout', 'PrePaint', 'Paint', 'Layerize', 'Commit'])

interface TraceEvent {
  name: string
  cat: string
  ph: string
  pid: number
  tid: number
  /** Microseconds: when, how long, and how long the thread really ran. */
  ts: number
  dur?: number
  tdur?: number
  args: { name?: string; data?: { functionName?: string } }
}

/** The categories that a trace needs for {@link readTrace}. */
export const categories = ['blink.user_timing', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8', 'disabled-by-default-v8.gc']

/** A task of a page's main thread. */
export interface Task {
  /** CPU time of the page's own doing in it, ms. Time in which the machine did something else is no part of it. */
  cpu: number
  /** From its start to its end, ms, whatever the machine did meanwhile. */
  wall: number
  /** What the CPU time went into, ms. */
  parts: Record<string, number>
  /** CPU time of all of it, the browser's own doing too, ms. What follows a promise of the browser's is in no part: a trace does not tell whose it is. */
  whole: number
}

/** What a trace tells of the main threads of all pages. */
export interface Reading {
  tasks: Task[]
  /** What was between the page's marks `begin` and `end`: nothing without them. */
  watched: { tasks: Task[]; yardsticks: number[] }
  /** CPU time of each run of {@link yardstick}, ms. */
  yardsticks: number[]
}

/**
 * A fixed amount of work, to be run in a page every so often: a throttled CPU is slower by a factor that the machine's
 * other work changes from moment to moment, and this measures it.
 */
export function yardstick(): void {
  let hash = 0
  for (let i = 0; i < 1_000_000; i++) hash = Math.imul(hash ^ i, 0x01000193)
  document.documentElement.dataset.yardstick = String(hash) // or a compiler would leave the loop out
}

/** How far from what is watched a yardstick may be that tells of it, microseconds. */
const margin = 150_000

/** Reads a trace. */
export function readTrace(trace: Buffer): Reading {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] }
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid}:${tid}`
  const mains = new Set(traceEvents.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map(threadOf))
  const lasting = traceEvents.filter((e) => e.ph === 'X' && e.tdur !== undefined && mains.has(threadOf(e)))
  const inOrder = lasting.sort((a, b) => a.ts - b.ts || b.dur! - a.dur!)
  const timeOf = (mark: string): number => traceEvents.find((e) => e.name === mark && e.cat === 'blink.user_timing')?.ts ?? NaN
  const [begin, end] = [timeOf('begin'), timeOf('end')]
  const yardsticks = lasting.filter(isYardstick)
  const inMs = ({ tdur }: TraceEvent): number => tdur! / 1000
  const threads = [...mains].map((main) => tasksOfThread(inOrder.filter((e) => threadOf(e) === main)))
  return {
    tasks: threads.flat(),
    watched: {
      tasks: threads.flat().filter(({ from, to }) => to >= begin && from <= end),
      yardsticks: yardsticks.filter(({ ts }) => ts >= begin - margin && ts <= end + margin).map(inMs),
    },
    yardsticks: yardsticks.map(inMs),
  }
}

function isYardstick({ name, args }: TraceEvent): boolean {
  return name === 'FunctionCall' && args.data?.functionName === yardstick.name
}

/** The tasks of one thread, whose events are in the order of their start, outer ones first; when each began and ended, microseconds. */
function tasksOfThread(events: readonly TraceEvent[]): (Task & { from: number; to: number })[] {
  const tasks: (Task & { from: number; to: number })[] = []
  let end = 0
  let counted = 0 // the end of the last event that was counted: what lies in it was counted with it
  for (const event of events) {
    const { name, ts, dur = 0, tdur = 0 } = event
    const task = tasks.at(-1)
    if (name === 'RunTask') {
      end = ts + dur
      tasks.push({ cpu: 0, wall: dur / 1000, parts: {}, whole: tdur / 1000, from: ts, to: end })
    } else if (task && isYardstick(event)) {
      task.whole -= tdur / 1000
    } else if (task && ours.has(name) && ts < end && ts >= counted) {
      task.cpu += tdur / 1000
      task.parts[name] = (task.parts[name] ?? 0) + tdur / 1000
      counted = ts + dur
    }
  }
  return tasks
}
