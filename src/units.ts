// Durations and sizes as people write them: `15m`, `256M`.
import { days, hours, minutes, seconds } from './clock.ts'

const durationUnits = { d: days(1), h: hours(1), m: minutes(1), s: seconds(1) }
const sizeUnits: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** @param text such as 90s, 15m, 1h or 7d. @returns milliseconds; NaN if it is no duration */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? []
  const length = Object.entries(durationUnits).find(([name]) => name === unit)?.[1] ?? Number.NaN
  return Number(count) * length
}

/** @param length milliseconds, of whole seconds. @returns the shortest form that `parseDuration` reads */
export function formatDuration(length: number): string {
  const [unit, one] = Object.entries(durationUnits).find(
    ([, one]) => length >= one && length % one === 0,
  ) ?? ['s', seconds(1)]
  return `${length / one}${unit}`
}

/** @param text bytes, or KiB, MiB, GiB and TiB by their first letter: 4096, 256M. @returns NaN if it is no size */
export function parseSize(text: string): number {
  const [, count, unit = ''] = /^(\d{1,12})([KMGT]?)$/.exec(text) ?? []
  return Number(count) * (sizeUnits[unit] ?? Number.NaN)
}

/** A number of bytes for people. */
export const formatMebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** The size of a file for people: small ones in KiB. */
export const formatFileSize = (bytes: number): string =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : formatMebibytes(bytes)
