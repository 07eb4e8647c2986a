// JSON (RFC 8259) that is written again as it was read: numbers keep their digits, and `__proto__` is a member like any other
// (docs/protocol.md, "Item content").

/** A number of a JSON text that neither survives as a number here nor can be kept as its digits. */
export class InexactNumberError extends Error {
  override readonly name = 'InexactNumberError'
}

/** A JSON text in which an object has two members of one name: parsers differ in which of the two they keep (RFC 8259, section 4). */
export class RepeatedMemberError extends Error {
  override readonly name = 'RepeatedMemberError'
}

/** How many members a valid JSON text has: its colons outside of strings. */
const countMembers = (text: string): number =>
  text.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '').split(':').length - 1

/** What `JSON.stringify` writes as these digits: JSON.rawJSON, which Node has and browsers have since 2025. */
function exactly(digits: string | undefined): unknown {
  if (digits === undefined || !('rawJSON' in JSON) || typeof JSON.rawJSON !== 'function')
    throw new InexactNumberError('The text holds a number that this program cannot keep as it is')
  const raw: unknown = JSON.rawJSON(digits)
  return raw
}

/**
 * Parses JSON (RFC 8259) so that `JSON.stringify` loses nothing of it. A number whose digits a JavaScript number does not give back,
 * such as 12345678901234567890, 1.0 or 1e400, becomes an object of JSON.rawJSON, whose member `rawJSON` is its digits.
 *
 * Members of a result must be copied by spreading, which keeps an own member `__proto__`; `Object.assign` would set the prototype.
 *
 * @throws SyntaxError for what is no JSON, RepeatedMemberError, and InexactNumberError in a browser that cannot keep such a number
 */
export function parseExactly(text: string): unknown {
  let kept = 0
  const parsed: unknown = JSON.parse(
    text,
    (_member, value: unknown, context?: { readonly source?: string }) => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        kept += Object.keys(value).length
      if (typeof value !== 'number') return value
      if (context === undefined) return Number.isSafeInteger(value) ? value : exactly(undefined)
      return String(value) === context.source ? value : exactly(context.source)
    },
  )
  if (kept !== countMembers(text)) throw new RepeatedMemberError('The text has two members of one name')
  return parsed
}
