// The shapes that requests of Bitwarden's apps are made of.
import { z } from 'zod'

/** The members of an object under the names of the shape; of two spellings of one name the exact one counts. */
function renamed(given: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const members = new Map<string, unknown>()
  for (const [name, value] of Object.entries(given)) {
    const known = names.get(name.toLowerCase())
    if (known !== undefined && (known === name || !members.has(known))) members.set(known, value)
  }
  return Object.fromEntries(members)
}

/**
 * An object whose members are found whatever their case is: some clients write them in Pascal case. Members that the shape does not
 * name are dropped.
 */
export const caseless = <Shape extends z.ZodRawShape>(shape: Shape) =>
  caselessAs(Object.keys(shape), z.object(shape))

/** The same for a schema of several shapes, with the names of all of them. */
export const caselessAs = <Schema extends z.ZodType>(members: readonly string[], schema: Schema) => {
  const names = new Map(members.map((name) => [name.toLowerCase(), name]))
  return z.preprocess((given) => renamed(given, names), schema)
}
