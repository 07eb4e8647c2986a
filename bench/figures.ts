// How figures are drawn from what was measured.
/** @param part between 0 and 1 */
export const percentile = (numbers: readonly number[], part: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.ceil(part * numbers.length) - 1] ?? Number.NaN

export const median = (numbers: readonly number[]): number => percentile(numbers, 0.5)
