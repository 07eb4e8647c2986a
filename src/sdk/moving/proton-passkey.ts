// Passkeys of Proton Pass: the key stands in MessagePack, by the labels of COSE (github.com/protonpass/proton-pass-common; RFC 9052,
// section 7, and RFC 9053, section 7.1.1).
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts'
import type { Draft } from './draft.ts'
import { Members } from './members.ts'
import { MessagePackError, parseMessagePack } from './message-pack.ts'
import { toBase64url } from './passkeys.ts'

const { subtle } = globalThis.crypto

/** Characters of the longest content. One of a kilobyte is usual. */
const longest = 128 * 1024

/** Bytes, which stand there as a list of numbers or as they are. @returns undefined for anything else */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  const isBytes =
    Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
  return isBytes ? Uint8Array.from(value) : undefined
}

const base64urlOf = (value: unknown) => {
  const bytes = bytesOf(value)
  return bytes && encodeBase64url(bytes)
}

/** The labels of an elliptic curve key. */
const labels = { x: '-2', y: '-3', d: '-4' } as const

/** A key of the algorithm ES256 as PKCS #8, base64url. @returns undefined for other keys, and where its halves do not fit together */
async function privateKeyOf(key: Members): Promise<string | undefined> {
  if (key.within('kty').text('c') !== 'EC2' || key.within('alg').text('c') !== 'ES256') return undefined
  const parameters = new Map(
    key.list('par').map((pair) => {
      const [label, value] = Array.isArray(pair) ? pair : []
      return [Members.of(label).text('c'), Members.of(value).take('c')]
    }),
  )
  const [x, y, d] = [labels.x, labels.y, labels.d].map((label) => base64urlOf(parameters.get(label)))
  if (!x || !y || !d) return undefined
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  try {
    const imported = await subtle.importKey('jwk', { kty: 'EC', crv: 'P-256', x, y, d }, algorithm, true, [
      'sign',
    ])
    return encodeBase64url(new Uint8Array(await subtle.exportKey('pkcs8', imported)))
  } catch {
    return undefined
  }
}

/** What is packed in a passkey's content, of which only form 1 is known; without members for anything else. */
function unpacked(content: string): Members {
  const packed = content.length > longest ? undefined : toBase64url(content)
  if (!packed) return Members.of(undefined)
  try {
    const outer = Members.of(parseMessagePack(decodeBase64url(packed)))
    const inner = outer.take('v') === 1 ? bytesOf(outer.take('c')) : undefined
    return Members.of(inner && parseMessagePack(inner))
  } catch (error) {
    if (error instanceof MessagePackError) return Members.of(undefined)
    throw error
  }
}

/** A passkey of an item; none if it is of an unknown form, which is told. */
export async function readProtonPasskey(draft: Draft, passkey: Members): Promise<object[]> {
  const inner = unpacked(passkey.text('content'))
  const privateKey = await privateKeyOf(inner.within('key'))
  const credentialId = base64urlOf(inner.take('cid'))
  const rpId = inner.text('rid')
  if (!privateKey || !credentialId || rpId === '') {
    draft.lose('a passkey of an unknown form')
    return []
  }
  const created = Number(passkey.text('createTime'))
  const texts = {
    rpName: passkey.text('rpName'),
    userHandle: base64urlOf(inner.take('uhd')),
    userName: passkey.text('userName') || inner.text('un'),
    userDisplayName: passkey.text('userDisplayName') || inner.text('udn'),
    createdAt: created > 0 && created < 8.64e12 ? new Date(created * 1000).toISOString() : '',
  }
  const counter = Number(inner.text('cnt'))
  const secret = inner.within('ext').within('hmac_secret')
  for (const name of ['cred_with_uv', 'cred_without_uv'])
    draft.keep(`Secret for the PRF extension of ${rpId} (${name})`, base64urlOf(secret.take(name)), true)
  draft.keep(`Note on the passkey of ${rpId}`, passkey.text('note'))
  return [
    {
      credentialId,
      privateKey,
      rpId,
      ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text)),
      ...(Number.isSafeInteger(counter) && counter > 0 && { counter }),
      discoverable: true,
    },
  ]
}
