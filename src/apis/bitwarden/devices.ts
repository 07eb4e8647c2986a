// Devices: which installations of the apps an account has logged in with, and ending them. Push services are not offered.
import { z } from 'zod'
import { bitwardenDevicePaths } from '../../contract/bitwarden-paths.ts'
import { Email } from '../../contract/primitives.ts'
import { toTimestamp } from '../../domain/encoding.ts'
import { type AuthRequest, listAuthRequests } from '../../domain/identity/auth-requests.ts'
import {
  endDevice,
  getDevice,
  isKnownDevice,
  type ListedDevice,
  listDevices,
} from '../../domain/identity/bitwarden-devices.ts'
import { anyQuery } from '../../http/route.ts'
import { DeviceIdentifier } from './device-shapes.ts'
import { route, type Services } from './route.ts'

const Device = z.object({
  object: z.literal('device'),
  id: z.string(),
  name: z.string(),
  type: z.int(),
  identifier: z.string(),
  creationDate: z.string(),
  lastActivityDate: z.string(),
  isTrusted: z.literal(false),
  encryptedUserKey: z.null(),
  encryptedPublicKey: z.null(),
  devicePendingAuthRequest: z.object({ id: z.string(), creationDate: z.string() }).nullable(),
})

/** @param requests of the account, newest first: a device may wait to be let in by another one */
function deviceAnswer(
  { id, name, type, identifier, createdAt, lastUsedAt }: ListedDevice,
  requests: readonly AuthRequest[],
): z.input<typeof Device> {
  const pending = requests.find(
    ({ answeredAt, deviceIdentifier }) => answeredAt === null && deviceIdentifier === identifier,
  )
  return {
    object: 'device',
    id,
    name,
    type,
    identifier,
    creationDate: toTimestamp(createdAt),
    lastActivityDate: toTimestamp(lastUsedAt),
    isTrusted: false,
    encryptedUserKey: null,
    encryptedPublicKey: null,
    devicePendingAuthRequest: pending
      ? { id: pending.id, creationDate: toTimestamp(pending.createdAt) }
      : null,
  }
}

const list = route({
  method: 'get',
  path: bitwardenDevicePaths.devices,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery },
  success: {
    200: z.object({ object: z.literal('list'), data: z.array(Device), continuationToken: z.null() }),
  },
  async handler({ caller }, { clock, store }) {
    const data = await store.read(async (reader) => {
      const requests = await listAuthRequests(reader, caller, clock.now())
      const devices = await listDevices(reader, caller)
      return devices.map((device) => deviceAnswer(device, requests))
    })
    return { status: 200, body: { object: 'list', data, continuationToken: null } }
  },
})

const identified = z.object({ identifier: DeviceIdentifier })

const readOne = route({
  method: 'get',
  path: bitwardenDevicePaths.byIdentifier,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery, params: identified },
  success: { 200: Device },
  async handler({ caller, params }, { clock, store }) {
    const body = await store.read(async (reader) => {
      const requests = await listAuthRequests(reader, caller, clock.now())
      return deviceAnswer(await getDevice(reader, caller, params.identifier), requests)
    })
    return { status: 200, body }
  },
})

/** Both spellings of one thing. */
const endings = [
  { method: 'delete', path: bitwardenDevicePaths.device },
  { method: 'post', path: bitwardenDevicePaths.deactivate },
] as const

const endOne = endings.map((spelling) =>
  route({
    ...spelling,
    auth: 'account',
    limit: 'write',
    request: { query: anyQuery, params: z.object({ deviceId: z.string().toLowerCase().pipe(z.uuid()) }) },
    success: { 200: null },
    async handler({ caller, params }, { clock, store }) {
      await store.write((tx) => endDevice(tx, caller, params.deviceId, clock.now()))
      return { status: 200 }
    },
  }),
)

/** What apps tell of push services: nothing is done with it, and no app is to fail over that. */
const withPushServices = ([bitwardenDevicePaths.pushToken, bitwardenDevicePaths.webPush] as const).flatMap(
  (path) =>
    (['put', 'post'] as const).map((method) =>
      route({
        method,
        path,
        auth: 'account',
        limit: 'write',
        request: { query: anyQuery },
        success: { 200: null },
        handler: async () => ({ status: 200 }),
      }),
    ),
)

/** Told at a logout, without a token. */
const clearPushToken = (['put', 'post'] as const).map((method) =>
  route({
    method,
    path: bitwardenDevicePaths.clearPushToken,
    auth: 'public',
    limit: 'login',
    request: { query: anyQuery },
    success: { 200: null },
    handler: async () => ({ status: 200 }),
  }),
)

/** An address as a header has it: base64url of UTF-8, with its padding or without. */
const EmailInHeader = z
  .string()
  .max(1024)
  .transform((text) => Buffer.from(text, 'base64url').toString())
  .pipe(Email)

const isKnown = ({ store }: Services, asked: { email: string; identifier: string }) =>
  store.read((reader) => isKnownDevice(reader, asked))

/** Says nothing to a stranger: no one else knows the identifier of a device. */
const known = route({
  method: 'get',
  path: bitwardenDevicePaths.known,
  auth: 'public',
  limit: 'login',
  request: {
    query: anyQuery,
    headers: z.object({ 'x-request-email': EmailInHeader, 'x-device-identifier': DeviceIdentifier }),
  },
  success: { 200: z.boolean() },
  async handler({ headers }, services) {
    const asked = { email: headers['x-request-email'], identifier: headers['x-device-identifier'] }
    return { status: 200, body: await isKnown(services, asked) }
  },
})

const knownInPath = route({
  method: 'get',
  path: bitwardenDevicePaths.knownInPath,
  auth: 'public',
  limit: 'login',
  request: { query: anyQuery, params: z.object({ email: Email, identifier: DeviceIdentifier }) },
  success: { 200: z.boolean() },
  async handler({ params }, services) {
    return { status: 200, body: await isKnown(services, params) }
  },
})

export const deviceRoutes = [
  list,
  known,
  knownInPath,
  readOne,
  ...endOne,
  ...withPushServices,
  ...clearPushToken,
]
