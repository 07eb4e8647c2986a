// An unpacked web vault of Bitwarden's, beside the API: its first page at `/`, its other files wherever nothing else of this server is.
import { z } from 'zod'
import { pagePaths } from '../../contract/paths.ts'
import { notFound } from '../../domain/failure.ts'
import { type Api, createApi, type ErrorForm } from '../../http/api.ts'
import { anyQuery, type Callers, requestTarget, routeFor } from '../../http/route.ts'
import { filesOf, type VaultFile, VaultFileAnswer } from './files.ts'

interface Services {
  /** By their paths. */
  readonly files: ReadonlyMap<string, VaultFile>
  /** Where icons come from beside this server, such as `https://icons.example`; undefined for nowhere. */
  readonly iconOrigin: string | undefined
}

/** The extensions in the shops of Chrome and Edge, and those of Firefox, which frame the vault's pages. */
const extensions = [
  'chrome-extension://nngceckbapebfimnlniiiahkandclblb',
  'chrome-extension://jbkfoedolllekgbhcbcoahefnbanhhlh',
  'moz-extension://*',
]

/** What the vault needs: WebAssembly, styles that its scripts make, and two services that know leaked passwords and second factors. */
const policyOf = ({ iconOrigin }: Services) =>
  Object.entries({
    'default-src': ["'none'"],
    'base-uri': ["'self'"],
    'connect-src': ["'self'", 'https://api.pwnedpasswords.com', 'https://api.2fa.directory'],
    'font-src': ["'self'", 'data:'],
    'form-action': ["'self'"],
    'frame-ancestors': ["'self'", ...extensions],
    'frame-src': ["'self'"],
    'img-src': ["'self'", 'data:', ...(iconOrigin === undefined ? [] : [iconOrigin])],
    'manifest-src': ["'self'"],
    'media-src': ["'self'"],
    'object-src': ["'self'", 'blob:'],
    'script-src': ["'self'", "'wasm-unsafe-eval'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'worker-src': ["'self'", 'blob:'],
  })
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ')

const route = routeFor<Services, Callers, never>(['public'])

const forEverybody = {
  method: 'get',
  auth: 'public',
  limit: 'none',
  request: { query: anyQuery, target: requestTarget },
  success: { 200: z.instanceof(VaultFileAnswer) },
} as const

function answerFor(path: string, services: Services) {
  const file = services.files.get(path)
  if (!file) throw notFound()
  return {
    status: 200,
    body: new VaultFileAnswer(file, policyOf(services)),
  } as const
}

const home = route({
  ...forEverybody,
  path: pagePaths.home,
  handler: async (_request, services) => answerFor('/index.html', services),
})

/** A path as a pattern that matches nothing else. */
const escaped = (path: string) => path.replaceAll(/[^\w/-]/g, '\\$&')

const fileRoute = (files: ReadonlyMap<string, VaultFile>) =>
  route({
    ...forEverybody,
    path: '/web-vault',
    // Only what is there, so that everything else is answered as if there were no web vault.
    pattern: new RegExp(`^(?:${[...files.keys()].map((path) => escaped(path)).join('|')})$`),
    handler: async ({ target }, services) => answerFor(target.path, services),
  })

/**
 * Finds the files, and throws an error with a sentence if there is no web vault.
 * @param options.icons a URL of the icon service, if there is one
 * @returns `home` answers before other first pages, `files` where nothing else does
 */
export async function webVaultApis(
  folder: string,
  { errorForm, icons }: { errorForm: ErrorForm; icons: string | undefined },
): Promise<{ home: Api; files: Api }> {
  const files = await filesOf(folder)
  const services = { files, iconOrigin: icons === undefined ? undefined : new URL(icons).origin }
  const served = {
    services,
    errorForm,
    door: {
      authenticate: {
        public: async ({ address }: { address: string }) => ({ caller: undefined, rateLimitKey: address }),
      },
      count: async () => {},
    },
  }
  return {
    home: createApi({ ...served, routes: [home] }),
    files: createApi({ ...served, routes: [fileRoute(files)] }),
  }
}
