// Second factors over HTTP: list, add, confirm, remove, and new recovery codes.

import { z } from 'zod'
import { nonceBytes, openBytes, sealBytes } from '../../aes-gcm.ts'
import { PasswordProof } from '../../contract/accounts.ts'
import { secondFactorPaths } from '../../contract/paths.ts'
import { SecondFactorId } from '../../contract/primitives.ts'
import {
  ConfirmTotp,
  ConfirmWebauthn,
  NewRecoveryCodes,
  SecondFactorConfirmed,
  SecondFactorList,
  TotpStarted,
  WebauthnStarted,
} from '../../contract/second-factors.ts'
import { holdAccount } from '../../domain/account-row.ts'
import { noteChange } from '../../domain/audit/noted-changes.ts'
import type { SessionCaller } from '../../domain/caller.ts'
import { Failure, notFound } from '../../domain/failure.ts'
import { proveAccount } from '../../domain/identity/passwords.ts'
import { newRecoveryCodes, showRecoveryCode } from '../../domain/identity/recovery-codes.ts'
import { totpContext } from '../../domain/identity/second-factor-login.ts'
import {
  beginFactor,
  type Confirmation,
  confirmFactor,
  countRecoveryCodes,
  factorsOf,
  getPending,
  hasFactors,
  listFactors,
  removeFactor,
  replaceRecoveryCodes,
} from '../../domain/identity/second-factors.ts'
import { describeTotp, stepOfCode, totpSecretBytes } from '../../domain/identity/totp.ts'
import { registrationOptions, verifyRegistration } from '../../domain/identity/webauthn.ts'
import { proofIn } from './passwords.ts'
import { route, type Services } from './route.ts'

const tag = 'Second factors'
const usualTotpName = 'Authenticator app'

const list = route({
  method: 'get',
  path: secondFactorPaths.factors,
  operationId: 'listSecondFactors',
  tag,
  summary: 'The second factors of the account, and how many recovery codes are left',
  description: 'Factors that were not confirmed are not in the list.',
  auth: 'session',
  limit: 'read',
  request: {},
  success: { 200: SecondFactorList },
  problems: [],
  async handler({ caller }, { store }) {
    return { status: 200, body: await store.read((reader) => listFactors(reader, caller)) }
  },
})

const addTotp = route({
  method: 'post',
  path: secondFactorPaths.totp,
  operationId: 'startTotp',
  tag,
  summary: 'Begin to add an authenticator app (TOTP, RFC 6238); nothing asks for it until it is confirmed',
  description: 'Ten minutes are left for confirming it.',
  auth: 'session',
  limit: 'proof',
  request: { body: PasswordProof },
  success: { 201: TotpStarted },
  problems: ['invalid-credentials', 'too-many-factors'],
  async handler({ caller, body }, services) {
    const { clock, config, keys, random, store } = services
    const account = await proveAccount(caller, proofIn(body), services)
    const id = random.uuid()
    const secret = random.bytes(totpSecretBytes)
    const nonce = random.bytes(nonceBytes)
    const sealedSecret = sealBytes(keys.totpSecrets, nonce, totpContext(caller, id), secret)
    const begun = { id, type: 'totp', name: usualTotpName, sealedSecret, now: clock.now() } as const
    await store.write((tx) => beginFactor(tx, caller, begun))
    const shown = { issuer: new URL(config.publicUrl).host, label: account.email }
    return { status: 201, body: { id, ...describeTotp(secret, shown) } }
  },
})

/** Confirms a factor. @returns recovery codes, in the form for people, where the account has none yet */
async function confirm(
  caller: SessionCaller,
  id: string,
  confirmation: Confirmation,
  services: Services,
): Promise<{ recoveryCodes: string[] | null }> {
  const codes = newRecoveryCodes(services.random)
  return services.store.write(async (tx) => {
    // Of two first factors at the same time, one makes the codes.
    await holdAccount(tx, caller.accountId)
    await confirmFactor(tx, caller, id, confirmation)
    await noteChange(tx, caller, 'second-factor-added', services)
    if ((await countRecoveryCodes(tx, caller)) > 0) return { recoveryCodes: null }
    await replaceRecoveryCodes(tx, caller, codes)
    return { recoveryCodes: codes.map(showRecoveryCode) }
  })
}

const wrongFactor = (path: string, message: string) =>
  new Failure('malformed-request', message, { errors: [{ path: `body.${path}`, message }] })

const confirmTotp = route({
  method: 'post',
  path: secondFactorPaths.confirmTotp,
  operationId: 'confirmTotp',
  tag,
  summary: 'Show by a code that the app works; logins ask for it from then on',
  description: 'The first factor of an account comes with recovery codes, which are shown once.',
  auth: 'session',
  limit: 'proof',
  request: { params: z.strictObject({ totpId: SecondFactorId }), body: ConfirmTotp },
  success: { 200: SecondFactorConfirmed },
  problems: ['not-found', 'too-many-factors'],
  async handler({ caller, params: { totpId }, body }, services) {
    const { clock, keys, store } = services
    const now = clock.now()
    const pending = await store.read((reader) =>
      getPending(reader, caller, { id: totpId, type: 'totp', now }),
    )
    const secret =
      pending.sealedSecret && openBytes(keys.totpSecrets, totpContext(caller, totpId), pending.sealedSecret)
    if (!secret) throw notFound()
    const lastStep = stepOfCode(secret, body.code, now)
    if (lastStep === undefined)
      throw wrongFactor('code', 'This is not the code of the app now. Check the clock of the device.')
    const confirmation = { name: body.name ?? pending.name, now, lastStep }
    return { status: 200, body: await confirm(caller, totpId, confirmation, services) }
  },
})

const addWebauthn = route({
  method: 'post',
  path: secondFactorPaths.webauthn,
  operationId: 'startWebauthn',
  tag,
  summary: 'Begin to add a passkey or a security key (WebAuthn)',
  description:
    'Give `options` to `PublicKeyCredential.parseCreationOptionsFromJSON()` and `navigator.credentials.create()`, or to their like on another platform. Five minutes are left for it.',
  auth: 'session',
  limit: 'proof',
  request: { body: PasswordProof },
  success: { 201: WebauthnStarted },
  problems: ['invalid-credentials', 'too-many-factors'],
  async handler({ caller, body }, services) {
    const { clock, random, store } = services
    const account = await proveAccount(caller, proofIn(body), services)
    const id = random.uuid()
    const begun = { id, type: 'webauthn', name: '', sealedSecret: null, now: clock.now() } as const
    const { webauthn } = await store.write(async (tx) => {
      await beginFactor(tx, caller, begun)
      return factorsOf(tx, caller)
    })
    return { status: 201, body: { id, options: await registrationOptions(account, id, webauthn, services) } }
  },
})

const confirmWebauthn = route({
  method: 'post',
  path: secondFactorPaths.confirmWebauthn,
  operationId: 'confirmWebauthn',
  tag,
  summary: 'Give what the authenticator made; logins ask for it from then on',
  description: 'The first factor of an account comes with recovery codes, which are shown once.',
  auth: 'session',
  limit: 'proof',
  request: { params: z.strictObject({ webauthnId: SecondFactorId }), body: ConfirmWebauthn },
  success: { 200: SecondFactorConfirmed },
  problems: ['not-found', 'too-many-factors'],
  async handler({ caller, params: { webauthnId }, body }, services) {
    const now = services.clock.now()
    await services.store.read((reader) =>
      getPending(reader, caller, { id: webauthnId, type: 'webauthn', now }),
    )
    const credential = await verifyRegistration(webauthnId, body.response, services)
    if (!credential)
      throw wrongFactor(
        'response',
        'This is not the answer of an authenticator to the options of this factor.',
      )
    const confirmation = { name: body.name, now, ...credential }
    return { status: 200, body: await confirm(caller, webauthnId, confirmation, services) }
  },
})

const remove = route({
  method: 'delete',
  path: secondFactorPaths.factor,
  operationId: 'deleteSecondFactor',
  tag,
  summary: 'Remove a second factor; with the last one the recovery codes go too',
  description: 'Takes a fresh proof of the password.',
  auth: 'session',
  limit: 'proof',
  request: { params: z.strictObject({ factorId: SecondFactorId }), body: PasswordProof },
  success: { 204: null },
  problems: ['invalid-credentials', 'not-found'],
  async handler({ caller, params: { factorId }, body }, services) {
    const { factors } = await services.store.read((reader) => listFactors(reader, caller))
    if (!factors.some(({ id }) => id === factorId)) throw notFound()
    await proveAccount(caller, proofIn(body), services)
    await services.store.write(async (tx) => {
      await holdAccount(tx, caller.accountId)
      await removeFactor(tx, caller, factorId)
      await noteChange(tx, caller, 'second-factor-removed', services)
    })
    return { status: 204 }
  },
})

const renewRecoveryCodes = route({
  method: 'post',
  path: secondFactorPaths.recoveryCodes,
  operationId: 'renewRecoveryCodes',
  tag,
  summary: 'Ten new recovery codes in place of those there are',
  description: 'Takes a fresh proof of the password. The new codes are shown once.',
  auth: 'session',
  limit: 'proof',
  request: { body: PasswordProof },
  success: { 200: NewRecoveryCodes },
  problems: ['invalid-credentials', 'not-found'],
  async handler({ caller, body }, services) {
    const { random, store } = services
    await proveAccount(caller, proofIn(body), services)
    const codes = newRecoveryCodes(random)
    await store.write(async (tx) => {
      await holdAccount(tx, caller.accountId)
      // Codes without a factor would stand for nothing.
      if (!(await hasFactors(tx, caller))) throw notFound()
      await replaceRecoveryCodes(tx, caller, codes)
      await noteChange(tx, caller, 'recovery-codes-replaced', services)
    })
    return { status: 200, body: { recoveryCodes: codes.map(showRecoveryCode) } }
  },
})

export const secondFactorRoutes = [
  list,
  addTotp,
  confirmTotp,
  addWebauthn,
  confirmWebauthn,
  renewRecoveryCodes,
  remove,
]
