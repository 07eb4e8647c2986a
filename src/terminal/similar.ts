// "Did you mean": the nearest of several names to what was typed.

/** How many letters differ: typed, left out, other, or swapped with their neighbour (optimal string alignment). */
function distance(left: string, right: string): number {
  const rows = [Array.from({ length: right.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    rows.push(current)
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1]
      const isSwapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      current.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
  }
  return at(left.length, right.length)
}

const longestCompared = 64

/** @returns the name that is most like `wanted`, or undefined if more than a third of its letters differ */
export function mostSimilar(wanted: string, names: Iterable<string>): string | undefined {
  const typed = wanted.toLowerCase()
  let best: { name: string; differing: number } | undefined
  for (const name of names) {
    if (Math.max(typed.length, name.length) > longestCompared) continue
    const differing = distance(typed, name.toLowerCase())
    if (differing <= Math.floor(Math.max(typed.length, name.length) / 3))
      if (!best || differing < best.differing) best = { name, differing }
  }
  return best?.name
}
