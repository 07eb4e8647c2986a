// The security log over HTTP, for the owner of the account.
import { AccountEventList } from '../../contract/accounts.ts'
import { route } from '../route.ts'
import { listEvents } from './repository.ts'

const list = route({
  method: 'get',
  path: '/api/v1/account/events',
  operationId: 'listEvents',
  tag: 'Accounts',
  summary: 'The security log of the account for 90 days, newest first',
  description:
    'Logins, failures, changes of the password and of second factors, and ended sessions, with device and address. At the most 200 failures and 200 others are kept. A failure is listed some seconds later.',
  auth: 'session',
  limit: 'read',
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

export const eventRoutes = [list]
