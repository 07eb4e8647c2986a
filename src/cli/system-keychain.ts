// The keychain of the system: the Secret Service of Linux desktops, the macOS Keychain, the Windows Credential Manager.
import { CliError } from '../terminal/exit-codes.ts'
import { safeLine } from '../terminal/text.ts'
import type { SecretStore } from './keychain.ts'

const service = 'limpet'

/** Without it the kernel's keyring would be taken where there is no Secret Service. */
const options = { linux: { store: 'secret-service' } } as const

async function entry(name: string) {
  const { AsyncEntry } = await import('@napi-rs/keyring').catch(() => {
    throw new CliError(
      'unexpected',
      "This program is without its module for the system's keychain: the single executable has none, and npm installs it as an optional dependency.",
    )
  })
  return new AsyncEntry(service, name, options)
}

type Entry = Awaited<ReturnType<typeof entry>>

async function use<T>(name: string, work: (entry: Entry) => Promise<T>): Promise<T> {
  try {
    return await work(await entry(name))
  } catch (error) {
    if (error instanceof CliError || !(error instanceof Error)) throw error
    throw new CliError(
      'unexpected',
      `The system's keychain cannot be used: it is missing or locked (${safeLine(error.message)}).`,
    )
  }
}

export const systemKeychain: SecretStore = {
  save: (name, secret) => use(name, (one) => one.setSecret(secret)),
  async load(name) {
    const secret = await use(name, (one) => one.getSecret())
    return secret === null ? undefined : Uint8Array.from(secret)
  },
  async remove(name) {
    await use(name, (one) => one.deleteCredential())
  },
}
