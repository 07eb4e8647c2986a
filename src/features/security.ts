// How each kind of caller proves who it is, as the OpenAPI document says it.
import type { TokenScope } from '../contract/tokens.ts'
import type { Security } from '../http/openapi.ts'
import type { Callers } from './route.ts'

const [session, read, write, shares] = [
  { session: [] },
  { readToken: [] },
  { writeToken: [] },
  { sharesToken: [] },
]

/** A scheme for each scope: OpenAPI has scopes for OAuth alone. */
const personalToken = (scope: TokenScope, what: string) =>
  ({
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'lmp_…',
    description: `a personal access token with the scope ${scope}, which is ${what}`,
  }) as const

export const security: Security<keyof Callers> = {
  schemes: {
    session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'an access token' },
    readToken: personalToken('read', 'for reading items'),
    writeToken: personalToken('write', 'for reading and writing items'),
    sharesToken: personalToken('shares', 'for making one-time shares'),
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
    reader: [session, read, write],
    writer: [session, write],
    tokenHolder: [read, write, shares],
    sharer: [{}, session, shares],
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
