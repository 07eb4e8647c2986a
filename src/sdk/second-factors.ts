// The second factors of an account: what its logins ask for beside the password.

import type { z } from 'zod'
import type { PasswordProof } from '../contract/accounts.ts'
import { pathTo, secondFactorPaths } from '../contract/paths.ts'
import {
  NewRecoveryCodes,
  SecondFactorConfirmed,
  SecondFactorList,
  TotpStarted,
  WebauthnStarted,
} from '../contract/second-factors.ts'
import type { Transport } from './transport.ts'

/** What the person gave: a code of the app, a recovery code, or what the platform's WebAuthn made (by `toJSON()`). */
export type SecondFactorAnswer =
  | { readonly type: 'totp' | 'recovery-code'; readonly code: string }
  | { readonly type: 'webauthn'; readonly response: unknown }

type Prove = <T>(password: string, use: (proof: PasswordProof) => Promise<T>) => Promise<T>

/** Whatever takes a password throws ProblemError (`invalid-credentials`) where it is wrong. */
export class SecondFactors {
  readonly #transport: Transport
  readonly #prove: Prove

  constructor(transport: Transport, prove: Prove) {
    this.#transport = transport
    this.#prove = prove
  }

  list(): Promise<SecondFactorList> {
    return this.#transport.sendAuthorized(SecondFactorList, {
      method: 'GET',
      path: secondFactorPaths.factors,
    })
  }

  /** Begins to add an authenticator app. Nothing asks for it until `confirmTotp`, for which ten minutes are left. */
  addTotp(password: string): Promise<TotpStarted> {
    return this.#begin(TotpStarted, secondFactorPaths.totp, password)
  }

  /**
   * Shows by a code of the app that it works. Throws ProblemError (`malformed-request`) for a wrong one.
   * @returns recovery codes to be kept by the owner, with the first factor; null with a further one
   */
  async confirmTotp(id: string, code: string, name?: string): Promise<string[] | null> {
    return this.#confirm(pathTo(secondFactorPaths.confirmTotp, { totpId: id }), {
      code,
      ...(name !== undefined && { name }),
    })
  }

  /** Begins to add a passkey or a security key. @returns `options` for the WebAuthn of the platform */
  addWebauthn(password: string): Promise<WebauthnStarted> {
    return this.#begin(WebauthnStarted, secondFactorPaths.webauthn, password)
  }

  /** @param response what the platform made, as `PublicKeyCredential.toJSON()` gives it. @returns as `confirmTotp` */
  confirmWebauthn(
    id: string,
    { name, response }: { name: string; response: unknown },
  ): Promise<string[] | null> {
    return this.#confirm(pathTo(secondFactorPaths.confirmWebauthn, { webauthnId: id }), { name, response })
  }

  /** Removes a factor, and with the last one the recovery codes. Throws ProblemError (`not-found`). */
  async remove(id: string, password: string): Promise<void> {
    await this.#prove(password, (body) =>
      this.#transport.authorized({
        method: 'DELETE',
        path: pathTo(secondFactorPaths.factor, { factorId: id }),
        body,
      }),
    )
  }

  /** Ten new recovery codes; the old ones end. Throws ProblemError (`not-found`) without a factor. */
  async renewRecoveryCodes(password: string): Promise<string[]> {
    const { recoveryCodes } = await this.#begin(NewRecoveryCodes, secondFactorPaths.recoveryCodes, password)
    return recoveryCodes
  }

  #begin<T>(schema: z.ZodType<T>, path: string, password: string): Promise<T> {
    return this.#prove(password, (body) =>
      this.#transport.sendAuthorized(schema, { method: 'POST', path, body }),
    )
  }

  async #confirm(path: string, body: object): Promise<string[] | null> {
    const { recoveryCodes } = await this.#transport.sendAuthorized(SecondFactorConfirmed, {
      method: 'POST',
      path,
      body,
      // Confirming again is refused, so an answer that was lost would become a refusal.
      repeatable: false,
    })
    return recoveryCodes
  }
}
