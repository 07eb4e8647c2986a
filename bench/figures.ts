// How figures are drawn from what was measured, and how they are written.

/** @param part between 0 and 1 */
export const percentile = (numbers: readonly number[] | Float64Array, part: number): number =>
  Float64Array.from(numbers).sort()[Math.ceil(part * numbers.length) - 1] ?? Number.NaN

export const median = (numbers: readonly number[]): number => percentile(numbers, 0.5)

/** Of ratios: the median, and where the middle half of them lies. */
export function spread(ratios: readonly number[]): string {
  const at = (part: number) => percentile(ratios, part).toFixed(2)
  return `${at(0.5)} (${at(0.25)}–${at(0.75)})`
}

/** With as many digits as say something. */
export const figure = (number: number): string => {
  if (!Number.isFinite(number)) return ''
  if (number >= 100) return Math.round(number).toLocaleString('en')
  return number >= 10 ? number.toFixed(0) : number.toPrecision(2)
}

/** @param head of its columns; the first one holds words, the others figures */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, ['---', ...head.slice(1).map(() => '---:')], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

/** What is done, on one line of a terminal; a line each in a log. */
export function progress(text: string) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else process.stderr.write(`${text}\n`)
}

export function endProgress() {
  if (process.stderr.isTTY) process.stderr.write('\n')
}
