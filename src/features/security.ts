// How each kind of caller proves who it is, as the OpenAPI document says it.
import type { TokenScope } from '../contract/tokens.ts'
import type { Security } from '../http/openapi.ts'
import type { Callers } from './route.ts'

const session = { session: [] }

/** OpenAPI lets the names of roles stand here; ours are scopes, any of which will do. */
const personalToken = (...scopes: TokenScope[]) => scopes.map((scope) => ({ personalToken: [scope] }))

export const security: Security<keyof Callers> = {
  schemes: {
    session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'an access token' },
    personalToken: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'lmp_…',
      description: 'a personal access token, with the scope that stands beside it',
    },
    manageToken: {
      type: 'http',
      scheme: 'bearer',
      description: 'the manage token that making the share answered with',
    },
  },
  required: {
    public: [],
    visitor: [],
    session: [session],
    vaultOwner: [session],
    reader: [session, ...personalToken('read', 'write')],
    writer: [session, ...personalToken('write')],
    tokenHolder: [{ personalToken: [] }],
    sharer: [{}, session, ...personalToken('shares')],
    shareManager: [{ manageToken: [] }],
  },
  refusals: {
    public: [],
    visitor: [],
    session: ['not-authenticated', 'token-not-allowed'],
    vaultOwner: ['not-authenticated', 'token-not-allowed'],
    reader: ['not-authenticated', 'insufficient-scope'],
    writer: ['not-authenticated', 'insufficient-scope'],
    tokenHolder: ['not-authenticated'],
    sharer: ['not-authenticated', 'insufficient-scope'],
    shareManager: ['not-authenticated'],
  },
}
