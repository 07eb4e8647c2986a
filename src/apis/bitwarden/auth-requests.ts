// Logging in with another device: asking, answering, and waiting for the answer.
import { z } from 'zod'
import { bitwardenAuthRequestPaths as paths } from '../../contract/bitwarden-paths.ts'
import { Email, tooLong } from '../../contract/primitives.ts'
import { toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import {
  type AuthRequest,
  answerAuthRequest,
  askToBeLetIn,
  getAuthRequest,
  listAuthRequests,
  waitingAuthRequest,
} from '../../domain/identity/auth-requests.ts'
import { anyQuery, requestClient } from '../../http/route.ts'
import { DeviceIdentifier, DeviceKind } from './device-shapes.ts'
import { PublicKey } from './key-shapes.ts'
import { route, type Services } from './route.ts'
import { caseless } from './wire.ts'

/** What people call the kinds of devices, by their numbers. */
const kinds = [
  'Android',
  'iOS',
  'Chrome Extension',
  'Firefox Extension',
  'Opera Extension',
  'Edge Extension',
  'Windows',
  'macOS',
  'Linux',
  'Chrome',
  'Firefox',
  'Opera',
  'Edge',
  'Internet Explorer',
  'Unknown Browser',
  'Android',
  'Windows',
  'Safari',
  'Vivaldi',
  'Vivaldi Extension',
  'Safari Extension',
  'SDK',
  'Server',
  'Windows CLI',
  'macOS CLI',
  'Linux CLI',
  'DuckDuckGo Browser',
] as const

const Answer = z.object({
  object: z.literal('auth-request'),
  id: z.string(),
  publicKey: z.string(),
  requestDeviceType: z.string(),
  requestDeviceTypeValue: z.int(),
  requestDeviceIdentifier: z.string(),
  requestIpAddress: z.string(),
  requestCountryName: z.null(),
  key: z.string().nullable(),
  masterPasswordHash: z.string().nullable(),
  creationDate: z.string(),
  responseDate: z.string().nullable(),
  requestApproved: z.boolean(),
  origin: z.string(),
})

const AnswerList = z.object({
  object: z.literal('list'),
  data: z.array(Answer),
  continuationToken: z.null(),
})

const answerOf = (request: AuthRequest, { config }: Services): z.infer<typeof Answer> => ({
  object: 'auth-request',
  id: request.id,
  publicKey: request.publicKey,
  requestDeviceType: kinds[request.deviceType] ?? 'Unknown',
  requestDeviceTypeValue: request.deviceType,
  requestDeviceIdentifier: request.deviceIdentifier,
  requestIpAddress: request.address,
  requestCountryName: null,
  key: request.key,
  masterPasswordHash: request.passwordHash,
  creationDate: toTimestamp(request.createdAt),
  responseDate: toTimestampOrNull(request.answeredAt),
  requestApproved: request.isApproved ?? false,
  origin: new URL(config.publicUrl).host,
})

const Code = z.string().min(16).max(100, tooLong())

const ask = route({
  method: 'post',
  path: paths.requests,
  auth: 'public',
  limit: 'login',
  request: {
    query: anyQuery,
    client: requestClient.pick({ address: true }),
    headers: z.looseObject({ 'device-type': DeviceKind }),
    body: caseless({
      email: Email,
      publicKey: PublicKey,
      deviceIdentifier: DeviceIdentifier,
      accessCode: Code,
      // To log in, or to unlock. Asking an administrator is for organizations.
      type: z.union([z.literal(0), z.literal(1)]),
    }),
  },
  success: { 200: Answer },
  async handler({ body, client: { address }, headers }, services) {
    const request = await askToBeLetIn({ ...body, address, deviceType: headers['device-type'] }, services)
    if (!request)
      throw new Failure(
        'invalid-credentials',
        'There is no such account, or it does not know this device. Log in with the master password once.',
      )
    return { status: 200, body: answerOf(request, services) }
  },
})

const listBy = (path: (typeof paths)['requests' | 'pending'], isListed: (request: AuthRequest) => boolean) =>
  route({
    method: 'get',
    path,
    auth: 'account',
    limit: 'read',
    request: { query: anyQuery },
    success: { 200: AnswerList },
    async handler({ caller }, services) {
      const { clock, store } = services
      const requests = await store.read((reader) => listAuthRequests(reader, caller, clock.now()))
      const data = requests.filter(isListed).map((request) => answerOf(request, services))
      return { status: 200, body: { object: 'list', data, continuationToken: null } }
    },
  })

const RequestId = z.object({ requestId: z.uuid().toLowerCase() })

const read = route({
  method: 'get',
  path: paths.request,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery, params: RequestId },
  success: { 200: Answer },
  async handler({ caller, params }, services) {
    const { clock, store } = services
    const request = await store.read((reader) =>
      getAuthRequest(reader, caller, params.requestId, clock.now()),
    )
    return { status: 200, body: answerOf(request, services) }
  },
})

/** Encrypted under the RSA key of a request: 256 bytes in base64, of the kind that clients number 4. */
const UnderPublicKey = z
  .string()
  .max(400, tooLong())
  .regex(/^4\.[0-9A-Za-z+/]{342}==$/, 'Expected an encrypted text of type 4 of 256 bytes')

const answer = route({
  method: 'put',
  path: paths.request,
  auth: 'account',
  limit: 'proof',
  request: {
    query: anyQuery,
    params: RequestId,
    body: caseless({
      requestApproved: z.boolean(),
      key: UnderPublicKey.nullish().catch(null),
      masterPasswordHash: UnderPublicKey.nullish().catch(null),
    }),
  },
  success: { 200: Answer },
  async handler({ body, caller, params: { requestId } }, services) {
    const { key, masterPasswordHash: passwordHash, requestApproved } = body
    if (requestApproved && !key)
      throw new Failure('malformed-request', 'The request is not as the contract says.', {
        errors: [{ path: 'key', message: 'Expected an encrypted text of type 4 of 256 bytes' }],
      })
    const given =
      requestApproved && key
        ? ({ isApproved: true, key, passwordHash: passwordHash ?? null } as const)
        : ({ isApproved: false } as const)
    const answered = await answerAuthRequest(caller, requestId, given, services)
    return { status: 200, body: answerOf(answered, services) }
  },
})

/** The new device asks every few seconds. It shows by its code that the request is its own. */
const readAnswer = route({
  method: 'get',
  path: paths.response,
  auth: 'public',
  limit: 'read',
  request: { params: RequestId, query: z.looseObject({ code: z.string().max(100, tooLong()) }) },
  success: { 200: Answer },
  async handler({ params, query }, services) {
    const { clock, store } = services
    const given = { id: params.requestId, accessCode: query.code }
    const request = await store.read((reader) => waitingAuthRequest(reader, given, clock.now()))
    return { status: 200, body: answerOf(request, services) }
  },
})

export const authRequestRoutes = [
  ask,
  listBy(paths.pending, ({ answeredAt }) => answeredAt === null),
  listBy(paths.requests, () => true),
  read,
  answer,
  readAnswer,
]
