// The client's side of OPAQUE (RFC 9807; docs/protocol.md, "OPAQUE"): what it sends, and the wrap key that comes of it.
import type { client } from '@serenity-kit/opaque'
import { defaultKdf, type KdfParameters } from '../contract/accounts.ts'
import { decodeBase64url } from './base64url.ts'
import { type KdfCosts, KdfRefusedError, wrapKeyOf } from './keys.ts'
import { normalizePassword } from './password.ts'
import { RefusedError } from './refused.ts'

/** What a password is stretched by: part of the protocol, and never what a server says. */
export const opaqueCosts: KdfCosts = defaultKdf

const keyStretching = {
  'argon2id-custom': {
    memory: opaqueCosts.memoryKiB,
    iterations: opaqueCosts.iterations,
    parallelism: opaqueCosts.parallelism,
  },
}

/** Loaded with the first use: it is as large as everything else together. */
async function loadLibrary(): Promise<typeof client> {
  const library = await import('@serenity-kit/opaque')
  await library.ready
  return library.client
}

/** The library throws where an answer is no message of OPAQUE, which an honest server does not send. */
function refuseMalformed<T>(work: () => T): T {
  try {
    return work()
  } catch {
    throw new RefusedError('The server answered with something else than a message of OPAQUE.')
  }
}

const wrapKeyFrom = (exportKey: string) => wrapKeyOf(decodeBase64url(exportKey))

/** @throws KdfRefusedError for an account that was made with other costs than those of the protocol */
export function requireOpaqueCosts({ memoryKiB, iterations, parallelism }: KdfParameters): void {
  if (
    memoryKiB !== opaqueCosts.memoryKiB ||
    iterations !== opaqueCosts.iterations ||
    parallelism !== opaqueCosts.parallelism
  )
    throw new KdfRefusedError(
      'With OPAQUE the costs of the key derivation are fixed, and the server named others',
    )
}

/**
 * Chooses a password. `finish` takes the server's answer, and as long as Argon2id makes it.
 * @throws PasswordRefusedError for an empty password or one that is not well-formed Unicode
 */
export async function startOpaqueRegistration(chosen: string) {
  const password = normalizePassword(chosen)
  const library = await loadLibrary()
  const { clientRegistrationState, registrationRequest } = library.startRegistration({ password })
  return {
    request: registrationRequest,
    async finish(registrationResponse: string): Promise<{ record: string; wrapKey: Uint8Array }> {
      const { registrationRecord, exportKey } = refuseMalformed(() =>
        library.finishRegistration({
          password,
          clientRegistrationState,
          registrationResponse,
          keyStretching,
        }),
      )
      return { record: registrationRecord, wrapKey: await wrapKeyFrom(exportKey) }
    },
  }
}

/**
 * Proves a password. `finish` takes the server's answer; it is undefined where the password is wrong, or the answer comes from
 * a server that does not have the account's record: there is nothing to tell these apart by.
 * @throws PasswordRefusedError for an empty password or one that is not well-formed Unicode
 */
export async function startOpaqueLogin(typed: string) {
  const password = normalizePassword(typed)
  const library = await loadLibrary()
  const { clientLoginState, startLoginRequest } = library.startLogin({ password })
  return {
    request: startLoginRequest,
    async finish(loginResponse: string): Promise<{ finish: string; wrapKey: Uint8Array } | undefined> {
      const finished = refuseMalformed(() =>
        library.finishLogin({ password, clientLoginState, loginResponse, keyStretching }),
      )
      return (
        finished && { finish: finished.finishLoginRequest, wrapKey: await wrapKeyFrom(finished.exportKey) }
      )
    },
  }
}
