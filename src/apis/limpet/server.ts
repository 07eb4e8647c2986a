// The server about itself: health, readiness, policies and limits.

import { minKdf } from '../../contract/accounts.ts'
import { serverPaths } from '../../contract/paths.ts'
import { Health, ServerInfo } from '../../contract/server.ts'
import { limits } from '../../contract/sizes.ts'
import { PassingFailure } from '../../domain/failure.ts'
import { versionDaysKept, versionsKept, versionsKeptDaily } from '../../domain/vaults/versions.ts'
import { version } from '../../version.ts'
import { route } from './route.ts'

const tag = 'Server'

const health = route({
  method: 'get',
  path: serverPaths.health,
  operationId: 'getHealth',
  tag,
  summary: 'Whether the process lives',
  description: 'Answers without looking at the database.',
  auth: 'public',
  limit: 'none',
  request: {},
  success: { 200: Health },
  problems: [],
  async handler() {
    return { status: 200, body: { status: 'ok' } }
  },
})

const readiness = route({
  method: 'get',
  path: serverPaths.readiness,
  operationId: 'getReadiness',
  tag,
  summary: 'Whether requests can be served: the database answers and its migrations are current',
  description: 'While they cannot, and while the server stops, the answer is 503.',
  auth: 'public',
  limit: 'none',
  request: {},
  success: { 200: Health },
  problems: [],
  async handler(_request, { accepting, store }) {
    if (!accepting())
      throw new PassingFailure('unavailable', 'The server is stopping.', 1, { isPlanned: true })
    if (!(await store.isReady()))
      throw new PassingFailure('unavailable', 'The database does not answer, or lacks migrations.', 5)
    return { status: 200, body: { status: 'ok' } }
  },
})

const info = route({
  method: 'get',
  path: serverPaths.server,
  operationId: 'getServer',
  tag,
  summary: 'Version, policies and limits',
  description: 'What a client has to know before it registers, logs in or writes.',
  auth: 'public',
  limit: 'read',
  request: {},
  success: { 200: ServerInfo },
  problems: [],
  async handler(_request, { config }) {
    return {
      status: 200,
      body: {
        name: 'limpet',
        version,
        registration: config.registration,
        emailVerification: config.emailVerification,
        accountDeletionByMail: config.smtp && config.accountDeletion ? 'on' : 'off',
        shares: config.shares,
        minKdf,
        limits: {
          ...limits,
          attachmentBytes: config.attachmentBytes,
          versionsKept,
          versionDaysKept,
          versionsKeptDaily,
        },
      },
    }
  },
})

export const serverRoutes = [health, readiness, info]
