// The one key of the operator's credentials: given by the environment, or in a file beside them.
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Variables } from './environment.ts'

const keyBytes = 32

/** Base64url of 32 bytes. */
const keyForm = /^[\w-]{42}[AEIMQUYcgkosw048]$/

/** What is wrong with the credentials or their key: a sentence that says what to do, and holds no secret. */
export class CredentialsError extends Error {
  override name = 'CredentialsError'
}

export interface MasterKey {
  readonly key: KeyObject
  /** Says which key it is, and nothing about it: eight bytes of an HMAC. */
  readonly id: string
}

/** @param from where the text was found, for the sentence about it */
export function parseMasterKey(text: string, from: string): MasterKey {
  const trimmed = text.trim()
  if (!keyForm.test(trimmed))
    throw new CredentialsError(
      `${from} holds no master key: expected the 43 characters that "limpet-server credentials init" wrote.`,
    )
  const bytes = Buffer.from(trimmed, 'base64url')
  const id = createHmac('sha256', bytes).update('limpet/v1/credentials/key-id').digest().subarray(0, 8)
  return { key: createSecretKey(bytes), id: id.toString('base64url') }
}

export const keyFileBeside = (credentialsFile: string): string => join(dirname(credentialsFile), 'master.key')

/** Where the key is looked for: the environment decides alone where it says something. */
export function keyFileOf(credentialsFile: string, { LIMPET_MASTER_KEY_FILE }: Variables): string {
  return LIMPET_MASTER_KEY_FILE || keyFileBeside(credentialsFile)
}

/** Throws CredentialsError where there is no key, or something else in its place. */
export function readMasterKey(credentialsFile: string, environment: Variables): MasterKey {
  const { LIMPET_MASTER_KEY } = environment
  if (LIMPET_MASTER_KEY) return parseMasterKey(LIMPET_MASTER_KEY, 'LIMPET_MASTER_KEY')
  const file = keyFileOf(credentialsFile, environment)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new CredentialsError(
      `The key of ${credentialsFile} is missing: ${file} cannot be read, and LIMPET_MASTER_KEY is not set. Put the key back; without it nobody can open the credentials.`,
    )
  }
  return parseMasterKey(text, file)
}

/** A new key, as its file holds it. @param random exactly 32 random bytes */
export function newMasterKey(random: Uint8Array): string {
  if (random.length !== keyBytes) throw new RangeError(`Expected ${keyBytes} bytes`)
  return Buffer.from(random).toString('base64url')
}
