// Argon2 for the library that reads and writes KeePass databases, which brings none.
import { argon2d, argon2id } from 'hash-wasm'
import { ImportError } from './incoming.ts'

/** The library, ready for use. It is loaded when the first database is read or written. */
export async function loadKdbxweb() {
  const { default: kdbxweb } = await import('kdbxweb')
  const { CryptoEngine } = kdbxweb
  CryptoEngine.setArgon2Impl(
    async (password, salt, memorySize, iterations, hashLength, parallelism, type, version) => {
      if (version !== 0x13)
        throw new ImportError(
          'unsupported',
          'The database uses a version of Argon2 from before 2016. Choose Argon2id in the database settings of KeePass, save it, and import it again.',
        )
      const derive = type === CryptoEngine.Argon2TypeArgon2d ? argon2d : argon2id
      const hash = await derive({
        password: new Uint8Array(password),
        salt: new Uint8Array(salt),
        memorySize,
        iterations,
        hashLength,
        parallelism,
        outputType: 'binary',
      })
      return new Uint8Array(hash).buffer
    },
  )
  return kdbxweb
}

export type KdbxLibrary = Awaited<ReturnType<typeof loadKdbxweb>>
