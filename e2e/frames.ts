/** Reads a trace of Chromium: what the page's main thread spent on a page's own doing. */

/** What a task does for the page: its scripts, and the style, layout and painting that they cause. */
const ours = new Set(['FunctionCall', 'EvaluateScript', 'v8.compile', 'RunMicrotasks', 'MinorGC', 'MajorGC', 'UpdateLayoutTree', 'Layout', 'PrePaint', 'Paint', 'Layerize', 'Commit'])

interface TraceEvent {
  name: string
  ph: string
  pid: number
  tid: number
  /** Microseconds: when, how long, and how long the thread really ran. */
  ts: number
  dur?: number
  tdur?: number
  args: { name?: string }
}

/** The categories that a trace needs for {@link tasksOf}. */
export const categories = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8', 'disabled-by-default-v8.gc']

/** A task of a page's main thread. */
export interface Task {
  /** CPU time of the page's own doing in it, ms. Time in which the machine did something else is no part of it. */
  cpu: number
  /** From its start to its end, ms, whatever the machine did meanwhile. */
  wall: number
}

/** The tasks of the main threads of all pages in a trace. */
export function tasksOf(trace: Buffer): Task[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] }
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid}:${tid}`
  const mains = new Set(traceEvents.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map(threadOf))
  const lasting = traceEvents.filter((e) => e.ph === 'X' && e.tdur !== undefined && mains.has(threadOf(e)))
  return [...mains].flatMap((main) => tasksOfThread(lasting.filter((e) => threadOf(e) === main).sort((a, b) => a.ts - b.ts || b.dur! - a.dur!)))
}

/** The tasks of one thread, whose events are in the order of their start, outer ones first. */
function tasksOfThread(events: readonly TraceEvent[]): Task[] {
  const tasks: (Task & { end: number })[] = []
  let counted = 0 // the end of the last event that was counted: what lies in it was counted with it
  for (const { name, ts, dur = 0, tdur = 0 } of events) {
    const task = tasks.at(-1)
    if (name === 'RunTask') tasks.push({ cpu: 0, wall: dur / 1000, end: ts + dur })
    else if (task && ours.has(name) && ts < task.end && ts >= counted) {
      task.cpu += tdur / 1000
      counted = ts + dur
    }
  }
  return tasks
}
