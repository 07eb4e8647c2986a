// The reader's claim on a share, for which the server repeats a lost answer. Kept with the tab and not with the page: a phone
// throws pages away and loads them anew, and that must not cost the secret.
import { claimBytes } from '../../contract/sizes.ts'
import { encodeBase64url } from '../../protocol/base64url.ts'
import { platformRandom } from '../../protocol/random.ts'

const nameOf = (id: string) => `limpet-claim-${id}`

const newClaim = () => encodeBase64url(platformRandom(claimBytes.min))

/** The claim of this tab on a share. */
export function claimOn(id: string): string {
  const claim = newClaim()
  // Storage throws where the reader has switched it off.
  try {
    const kept = sessionStorage.getItem(nameOf(id))
    if (kept !== null) return kept
    sessionStorage.setItem(nameOf(id), claim)
  } catch {}
  return claim
}

export function forgetClaim(id: string): void {
  try {
    sessionStorage.removeItem(nameOf(id))
  } catch {}
}
