// Texts of other programs.

/** A value as text: of a number or a truth its spelling, of anything else that is no text an empty one. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}
