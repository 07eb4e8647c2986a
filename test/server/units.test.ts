// Durations and sizes as people write them.
import { describe, expect, it } from 'vitest'
import { days, hours, minutes, seconds } from '../../src/clock.ts'
import { formatDuration, formatFileSize, formatMebibytes, parseDuration, parseSize } from '../../src/units.ts'

describe('a duration', () => {
  it.each([
    ['0s', 0],
    ['90s', seconds(90)],
    ['15m', minutes(15)],
    ['1h', hours(1)],
    ['36h', hours(36)],
    ['366d', days(366)],
  ])('%s is read and written', (text, length) => {
    expect(parseDuration(text)).toBe(length)
    expect(formatDuration(length)).toBe(text)
  })

  it('is written in the largest unit that fits', () => {
    expect([seconds(60), minutes(60), hours(24)].map(formatDuration)).toEqual(['1m', '1h', '1d'])
  })

  it.each(['', '15', 'm', '-1m', '1.5h', '1w', ' 1m', '1m ', '12345678s', 'constructors'])(
    'is not "%s"',
    (text) => expect(parseDuration(text)).toBeNaN(),
  )
})

describe('a size', () => {
  it('is bytes, or a power of 1024', () => {
    expect(['0', '4096', '1K', '256M', '2G', '1T'].map(parseSize)).toEqual([
      0,
      4096,
      2 ** 10,
      2 ** 28,
      2 ** 31,
      2 ** 40,
    ])
  })

  it.each(['', 'M', '1MB', '1k', '-1', '1.5G', '1 M', '1234567890123'])('is not "%s"', (text) =>
    expect(parseSize(text)).toBeNaN(),
  )

  it('is written for people', () => {
    expect([1, 2048, 2 ** 20 - 1, 2 ** 20, 3.25 * 2 ** 20].map(formatFileSize)).toEqual([
      '1 KiB',
      '2 KiB',
      '1024 KiB',
      '1.0 MiB',
      '3.3 MiB',
    ])
    expect(formatMebibytes(0)).toBe('0.0 MiB')
  })
})
