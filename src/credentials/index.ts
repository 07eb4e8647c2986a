// What `import { … } from 'limpet-server/credentials'` offers to the operator's own scripts.

import { systemRandom } from '../random.ts'
import { credentialsFileOf, findSecret, readCredentials } from './credentials.ts'
import { environment } from './environment.ts'
import { CredentialsError, readMasterKey } from './master-key.ts'
import { openText, sealContent } from './sealed-text.ts'

export { CredentialsError } from './master-key.ts'

const purpose = 'text'

const masterKey = () => readMasterKey(credentialsFileOf(environment), environment)

/**
 * A value of the credentials. Throws CredentialsError where it is missing, or the credentials do not open.
 * @param name of a member, or several with dots between them, as in `backup.password`
 */
export function getSecret(name: string): string {
  const value = findSecret(readCredentials(environment), name)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  throw new CredentialsError(
    value === undefined || value === null
      ? `There is no "${name}" in the credentials.`
      : `"${name}" in the credentials is not a single value.`,
  )
}

/** Seals a text under the master key, for a file of one's own. The same text never looks the same twice. */
export const encrypt = (text: string): string => sealContent(masterKey(), purpose, text, systemRandom)

/** Opens what `encrypt` gave. Throws CredentialsError. */
export const decrypt = (sealed: string): string => openText(masterKey(), purpose, sealed, 'The text')
