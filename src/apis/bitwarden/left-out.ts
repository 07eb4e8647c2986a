// What clients ask for and this server does not have: organizations, emergency access, logins by others. Each is answered so that no
// client stumbles: with nothing, or with a sentence.
import { z } from 'zod'
import { toTimestamp } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import { anyQuery } from '../../http/route.ts'
import { version } from '../../version.ts'
import { route, type Services } from './route.ts'

const emptyList = { data: [], continuationToken: null, object: 'list' as const }

/** What is asked for, and what is answered: always the same, to everybody who is logged in. */
const answers: Readonly<Record<`/${string}`, unknown>> = {
  '/api/accounts/organizations': emptyList,
  '/api/accounts/key-management/key-rotation-data': {
    organizationPasswordResetKeyData: [],
    emergencyAccessKeyData: [],
    trustedDeviceKeyData: [],
    passkeyKeyData: [],
    object: 'keyRotationData',
  },
  '/api/ciphers/has-unassigned-ciphers': false,
  '/api/ciphers/organization-details': emptyList,
  '/api/collections': emptyList,
  // A rotation of keys begins with these two and the passkeys.
  '/api/emergency-access/granted': emptyList,
  '/api/emergency-access/trusted': emptyList,
  '/api/notifications': emptyList,
  '/api/organizations': emptyList,
  '/api/plans': emptyList,
  '/api/tasks': emptyList,
  '/api/two-factor/get-device-verification-settings': {
    isDeviceVerificationSectionEnabled: false,
    unknownDeviceVerificationEnabled: false,
    object: 'deviceVerificationSettings',
  },
  '/api/webauthn': emptyList,
}

const noOrganizations = 'This server has no organizations.'
const noKeyConnector = 'This server keeps no keys for others: log in with the master password.'
const noPasskeys = 'This server has no login with a passkey.'

/** What is refused, and why. */
const refusals: readonly (readonly ['get' | 'post' | 'put', `/${string}`, string])[] = [
  ['post', '/api/organizations', noOrganizations],
  ['put', '/api/accounts/update-temp-password', noOrganizations],
  ['post', '/api/accounts/set-password', noOrganizations],
  ['put', '/api/accounts/update-tde-offboarding-password', noOrganizations],
  ['post', '/api/accounts/set-key-connector-key', noKeyConnector],
  ['post', '/api/accounts/convert-to-key-connector', noKeyConnector],
  ['post', '/api/emergency-access/invite', 'This server has no emergency access.'],
  ['post', '/api/webauthn/attestation-options', noPasskeys],
  ['post', '/api/webauthn', noPasskeys],
  ['get', '/api/hibp/breach', 'This server asks no other service about breaches.'],
]

const Anything = z.unknown()

const answerWith = ([path, body]: [string, unknown]) =>
  route({
    method: 'get',
    path: `/${path.slice(1)}`,
    auth: 'account',
    limit: 'read',
    request: { query: anyQuery },
    success: { 200: Anything },
    handler: async () => ({ status: 200, body }),
  })

const refuse = ([method, path, sentence]: (typeof refusals)[number]) =>
  route({
    method,
    path,
    auth: 'account',
    limit: 'read',
    request: { query: anyQuery },
    success: { 200: null },
    async handler() {
      throw new Failure('malformed-request', sentence, { errors: [{ path: '', message: sentence }] })
    },
  })

/** What a monitor asks, and which clients do not. */
const tell = (path: `/${string}`, text: (services: Services) => string) =>
  route({
    method: 'get',
    path,
    auth: 'public',
    limit: 'read',
    request: { query: anyQuery },
    success: { 200: z.string() },
    handler: async (_request, services) => ({ status: 200, body: text(services) }),
  })

const time = ({ clock }: Services) => toTimestamp(clock.now())

/** Clients report what members of organizations do. */
const collectEvents = route({
  method: 'post',
  path: '/events/collect',
  auth: 'account',
  limit: 'write',
  request: { query: anyQuery },
  success: { 200: null },
  handler: async () => ({ status: 200 }),
})

export const leftOutRoutes = [
  ...Object.entries(answers).map(answerWith),
  ...refusals.map(refuse),
  tell('/alive', time),
  tell('/api/alive', time),
  tell('/api/now', time),
  tell('/api/version', () => version),
  collectEvents,
]
