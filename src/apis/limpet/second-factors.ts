// Second factors over HTTP: list, add, confirm, remove, and new recovery codes.

import { z } from 'zod'
import { PasswordProof } from '../../contract/accounts.ts'
import { secondFactorPaths } from '../../contract/paths.ts'
import { SecondFactorId } from '../../contract/primitives.ts'
import {
  ConfirmTotp,
  ConfirmWebauthn,
  NewRecoveryCodes,
  type SecondFactor,
  SecondFactorConfirmed,
  SecondFactorList,
  TotpStarted,
  WebauthnStarted,
} from '../../contract/second-factors.ts'
import { toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import {
  confirmTotp as confirmTotpFactor,
  confirmWebauthn as confirmWebauthnFactor,
  renewRecoveryCodes as newRecoveryCodes,
  removeSecondFactor,
  startTotp,
  startWebauthn,
} from '../../domain/identity/second-factor-changes.ts'
import { type ListedFactor, listFactors } from '../../domain/identity/second-factors.ts'
import { proofIn } from './passwords.ts'
import { route } from './route.ts'

const tag = 'Second factors'

const toFactor = ({ id, type, name, createdAt, lastUsedAt }: ListedFactor): SecondFactor => ({
  id,
  type,
  name,
  createdAt: toTimestamp(createdAt),
  lastUsedAt: toTimestampOrNull(lastUsedAt),
})

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
    const { factors, recoveryCodesLeft } = await store.read((reader) => listFactors(reader, caller))
    return { status: 200, body: { factors: factors.map(toFactor), recoveryCodesLeft } }
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
    return { status: 201, body: await startTotp(caller, proofIn(body), services) }
  },
})

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
    const outcome = await confirmTotpFactor(caller, { id: totpId, ...body }, services)
    if (outcome.kind === 'wrong-code')
      throw wrongFactor('code', 'This is not the code of the app now. Check the clock of the device.')
    return { status: 200, body: { recoveryCodes: outcome.recoveryCodes } }
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
    return { status: 201, body: await startWebauthn(caller, proofIn(body), services) }
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
    const outcome = await confirmWebauthnFactor(caller, { id: webauthnId, ...body }, services)
    if (outcome.kind === 'wrong-answer')
      throw wrongFactor(
        'response',
        'This is not the answer of an authenticator to the options of this factor.',
      )
    return { status: 200, body: { recoveryCodes: outcome.recoveryCodes } }
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
    await removeSecondFactor(caller, factorId, proofIn(body), services)
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
    return { status: 200, body: { recoveryCodes: await newRecoveryCodes(caller, proofIn(body), services) } }
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
