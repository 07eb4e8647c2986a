// The security log over HTTP, for the owner of the account.

import { AccountEventList } from '../../contract/accounts.ts'
import { accountPaths } from '../../contract/paths.ts'
import { listEvents } from '../../domain/audit/audit-log.ts'
import { route } from './route.ts'

const list = route({
  method: 'get',
  path: accountPaths.events,
  operationId: 'listEvents',
  tag: 'Accounts',
  summary: 'The security log of the account for 90 days, newest first',
  description:
    'Logins, failures, changes of the password, of second factors and of tokens, deleted vaults and ended sessions, with device and address. Of each type the last 100 are kept. Failures of one type, address and hour are one entry with a `count`, and are listed some seconds later. A login by OPAQUE that was begun and not finished within its minute counts as failed, some minutes later: a device notices a wrong password by itself and sends nothing more.',
  auth: 'session',
  limit: 'securityLog',
  request: {},
  success: { 200: AccountEventList },
  problems: [],
  async handler({ caller }, { clock, store }) {
    return {
      status: 200,
      body: { events: await store.read((reader) => listEvents(reader, caller, clock.now())) },
    }
  },
})

export const auditLogRoutes = [list]
