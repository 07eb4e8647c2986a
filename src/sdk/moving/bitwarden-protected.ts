// Bitwarden's export under a password of its own: the same JSON, encrypted (bitwarden.com/help/encrypted-export).
import { argon2id } from 'hash-wasm'
import { readBitwarden } from './bitwarden-json.ts'
import { ImportError } from './incoming.ts'
import { Members } from './members.ts'
import type { Reader } from './reader.ts'
import { jsonIn, wholeFile } from './whole-file.ts'

const title = 'Bitwarden (JSON under a password)'

/** What Bitwarden's programs let their users choose. A hostile file asks for more, to hold up this one. */
const bounds = { pbkdf2: 2_000_000, argon2Passes: 10, argon2MiB: 1024, argon2Lanes: 16 } as const

const malformed = () =>
  new ImportError(
    'malformed',
    'The file is cut off or was changed: it is no export of Bitwarden any more. Export it again.',
  )

const tooCostly = (what: string) =>
  new ImportError(
    'too-large',
    `The file asks for ${what} to make its key, which is more than Bitwarden lets anybody choose. Nothing was done with it.`,
  )

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    throw malformed()
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text)
const { subtle } = globalThis.crypto

function within(value: string, most: number, what: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) throw malformed()
  if (number > most) throw tooCostly(what)
  return number
}

/** 32 bytes. The salt counts as the text that it is in the file. */
async function masterKey(password: string, file: Members): Promise<Uint8Array<ArrayBuffer>> {
  const salt = utf8(file.text('salt'))
  const type = file.text('kdfType')
  if (type === '0') {
    const rounds = file.text('kdfIterations')
    const iterations = within(rounds, bounds.pbkdf2, `${rounds} rounds of PBKDF2`)
    const key = await subtle.importKey('raw', utf8(password), 'PBKDF2', false, ['deriveBits'])
    return new Uint8Array(
      await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256),
    )
  }
  if (type !== '1') throw malformed()
  const [passes, memory, lanes] = [
    file.text('kdfIterations'),
    file.text('kdfMemory'),
    file.text('kdfParallelism'),
  ]
  const derived = await argon2id({
    password,
    salt: new Uint8Array(await subtle.digest('SHA-256', salt)),
    iterations: within(passes, bounds.argon2Passes, `${passes} passes of Argon2`),
    memorySize: within(memory, bounds.argon2MiB, `${memory} MiB of memory`) * 1024,
    parallelism: within(lanes, bounds.argon2Lanes, `${lanes} lanes of Argon2`),
    hashLength: 32,
    outputType: 'binary',
  })
  return new Uint8Array(derived)
}

type Key = Awaited<ReturnType<typeof subtle.importKey>>

interface Keys {
  readonly encryption: Key
  readonly authentication: Key
}

/** HKDF-SHA-256 without its first step (RFC 5869, section 2.3): 32 bytes are one block. */
async function stretched(master: Uint8Array<ArrayBuffer>): Promise<Keys> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const key = await subtle.importKey('raw', master, hmac, false, ['sign'])
  const expand = (info: string) => subtle.sign('HMAC', key, new Uint8Array([...utf8(info), 1]))
  return {
    encryption: await subtle.importKey('raw', await expand('enc'), 'AES-CBC', false, ['decrypt']),
    authentication: await subtle.importKey('raw', await expand('mac'), hmac, false, ['verify']),
  }
}

/** `2.iv|ciphertext|mac`: AES-256-CBC, and HMAC-SHA-256 over both. @returns undefined if it is not sealed with these keys */
async function opened(sealed: string, keys: Keys): Promise<Uint8Array | undefined> {
  const [iv, ciphertext, mac] = /^2\.([^|]+)\|([^|]+)\|([^|]+)$/.exec(sealed)?.slice(1).map(fromBase64) ?? []
  if (!iv || !ciphertext || !mac || iv.length !== 16) throw malformed()
  const both = new Uint8Array(iv.length + ciphertext.length)
  both.set(iv)
  both.set(ciphertext, iv.length)
  if (!(await subtle.verify('HMAC', keys.authentication, mac, both))) return undefined
  try {
    return new Uint8Array(await subtle.decrypt({ name: 'AES-CBC', iv }, keys.encryption, ciphertext))
  } catch {
    throw malformed()
  }
}

const isProtected = (value: unknown) => Members.of(value).take('passwordProtected') === true

export const bitwardenProtected: Reader = {
  name: 'bitwarden-json-protected',
  title,
  recognises: async (glimpse) => isProtected(await glimpse.json()),
  async read(source, { password }) {
    const file = Members.of(jsonIn(await wholeFile(source)))
    if (!password) throw new ImportError('needs-password', 'The file has a password, and none was given.')
    const keys = await stretched(await masterKey(await password(), file))
    // Sealed beside the data, so that a wrong password shows without opening all of it.
    const isRight = await opened(file.text('encKeyValidation_DO_NOT_EDIT'), keys)
    if (!isRight)
      throw new ImportError(
        'wrong-password',
        'The password of the file is wrong. It is the one that was typed when it was exported.',
      )
    const data = await opened(file.text('data'), keys)
    if (!data) throw malformed()
    return readBitwarden(jsonIn(data), title)
  },
}

/** An export that only the account itself opens again. It is recognised so that its owner learns what to do. */
export const bitwardenAccountBound: Reader = {
  name: 'bitwarden-json-encrypted',
  title: 'Bitwarden (JSON for the account)',
  async recognises(glimpse) {
    const value = await glimpse.json()
    const file = Members.of(value)
    return (
      file.take('encrypted') === true &&
      !isProtected(value) &&
      file.text('encKeyValidation_DO_NOT_EDIT') !== ''
    )
  },
  async read() {
    throw new ImportError(
      'unsupported',
      'This export is encrypted with the key of the account at Bitwarden, so that only that account opens it. Export again with the file format ".json (Encrypted)" and the type "Password protected", or as ".json".',
    )
  },
}
