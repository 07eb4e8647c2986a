// Secrets as bytes: how large one may be, and whether bytes are text.

/**
 * The most bytes that a link holds: what Fernet makes of it has to fit into 64 KiB. A test holds it equal to the contract's,
 * which would bring Zod into the page.
 */
export const largestSecretBytes = 65_471

/** The text that bytes spell, every character kept; undefined where they are no UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
