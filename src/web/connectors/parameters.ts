// What an app gives to a page in its address: base64 of JSON, in one of two forms, and the words that the app has in its own language.
import { decodeBase64url } from '../../protocol/base64url.ts'

const longestWords = 100

export interface Parameters {
  /** The page of the app that waits for the answer, if it is one. */
  readonly parent: string | null
  readonly request: PublicKeyCredentialRequestOptions
  readonly headerText: string | undefined
  readonly buttonText: string | undefined
  readonly returnText: string | undefined
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Bytes of base64 of either alphabet, with padding or without. A `+` may have become a space on its way. */
function bytesIn(text: string): Uint8Array<ArrayBuffer> {
  const spelled = text.replaceAll(/[ +]/g, '-').replaceAll('/', '_').replace(/=+$/, '')
  return decodeBase64url(spelled)
}

const textIn = (value: unknown): string => {
  if (typeof value !== 'string') throw new SyntaxError('Expected a string')
  return value
}

const knownTransports: readonly AuthenticatorTransport[] = ['ble', 'hybrid', 'internal', 'nfc', 'usb']

function credentialIn(value: unknown): PublicKeyCredentialDescriptor {
  if (!isRecord(value)) throw new SyntaxError('Expected a credential')
  const { id, transports } = value
  const known = Array.isArray(transports)
    ? knownTransports.filter((name) => transports.includes(name))
    : undefined
  return {
    type: 'public-key',
    id: bytesIn(textIn(id)),
    ...(known && known.length > 0 && { transports: known }),
  }
}

/** What `navigator.credentials.get()` takes, from the form in which the server gives it (WebAuthn level 3, section 5.5). */
function requestIn(json: unknown): PublicKeyCredentialRequestOptions {
  if (!isRecord(json)) throw new SyntaxError('Expected options')
  const { allowCredentials, challenge, rpId, timeout } = json
  return {
    challenge: bytesIn(textIn(challenge)),
    userVerification: 'discouraged',
    ...(typeof rpId === 'string' && { rpId }),
    ...(typeof timeout === 'number' && { timeout }),
    ...(Array.isArray(allowCredentials) && { allowCredentials: allowCredentials.map(credentialIn) }),
  }
}

/** Apps percent-encode words once more than the address does. */
function wordsIn(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  try {
    return decodeURIComponent(value).slice(0, longestWords)
  } catch {
    return value.slice(0, longestWords)
  }
}

const jsonIn = (bytes: Uint8Array): unknown =>
  JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))

/** Throws where the address is not one that an app has made. */
export function readParameters(search: string): Parameters {
  const query = new URLSearchParams(search)
  const given = jsonIn(bytesIn(textIn(query.get('data'))))
  const isFirstForm = query.get('v') === '1' || (isRecord(given) && 'challenge' in given)
  const more = isFirstForm || !isRecord(given) ? Object.fromEntries(query) : given
  const options = isFirstForm || !isRecord(given) ? given : given.data
  const parent = query.get('parent')
  return {
    parent: parent === null ? null : decodeURIComponent(parent),
    request: requestIn(typeof options === 'string' ? JSON.parse(options) : options),
    headerText: wordsIn(more.headerText),
    buttonText: wordsIn(more.btnText),
    returnText: wordsIn(more.btnReturnText),
  }
}
