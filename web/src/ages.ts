/** How old a moment is, in as few letters as a list has room for. */

const second = 1000
const minute = 60 * second
const dayLength = 24 * 60 * minute

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const toTheSecond = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short' })
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const dayMonthYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const whole = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium' })

/**
 * Says when `at` was, as seen at `now` (both ms): "now", "5 min", "14:05", "Yesterday", "Tue", "12 Mar",
 * "12 Mar 2023". The server's clock gives `at`, so it may lie a little ahead of ours: that is "now" too.
 */
export function age(at: number, now: number): string {
  const passed = now - at
  if (passed > -minute && passed < minute) return 'now'
  if (passed > 0 && passed < 60 * minute) return `${Math.floor(passed / minute)} min`
  const days = calendarDays(at, now)
  if (days === 0) return clock.format(at)
  if (days === 1) return 'Yesterday'
  if (days > 1 && days < 7) return weekday.format(at)
  return sameYear(at, now) ? dayAndMonth.format(at) : dayMonthYear.format(at)
}

/** The whole date and time, for a tooltip. */
export function fullTime(at: number): string {
  return whole.format(at)
}

/** The hour and minute, with the day before them when that is not `now`'s: "14:05", "12 Mar, 14:05". */
export function stamp(at: number, now: number): string {
  if (calendarDays(at, now) === 0) return clock.format(at)
  return `${sameYear(at, now) ? dayAndMonth.format(at) : dayMonthYear.format(at)}, ${clock.format(at)}`
}

/** The hour, minute and second. */
export function preciseTime(at: number): string {
  return toTheSecond.format(at)
}

/** The machine's form for `<time datetime>`; `''` for a number that is no time. */
export function isoTime(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

/** How many midnights lie between; a day of 23 or 25 hours counts as one. */
function calendarDays(at: number, now: number): number {
  return Math.round((midnight(now) - midnight(at)) / dayLength)
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0)
}

function sameYear(a: number, b: number): boolean {
  return new Date(a).getFullYear() === new Date(b).getFullYear()
}
