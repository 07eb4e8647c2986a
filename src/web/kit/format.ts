// Times, durations and sizes as the reader's language writes them.
import { locale } from './language.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour
const week = 7 * day

const inUnits = (count: number, unit: string) =>
  new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long' }).format(count)

/** Local date and time. */
export const formatTime = (time: Date): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'long', timeStyle: 'short' }).format(time)

/** Never less than it is, so that a user who waits for it has waited long enough. */
export function formatDuration(seconds: number): string {
  if (seconds >= week && seconds % week === 0) return inUnits(seconds / week, 'week')
  if (seconds >= day) return inUnits(Math.ceil(seconds / day), 'day')
  if (seconds >= hour) return inUnits(Math.ceil(seconds / hour), 'hour')
  if (seconds >= 2 * minute) return inUnits(Math.ceil(seconds / minute), 'minute')
  return inUnits(seconds, 'second')
}

export const formatBytes = (count: number): string => inUnits(count, 'byte')
