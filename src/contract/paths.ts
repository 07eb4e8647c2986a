// Every path that Limpet answers, once: the routes declare it, clients fill it, and the tests hold nginx.conf against it.
// Parameters stand in braces, as in OpenAPI. Without zod, so that pages can load it.
const api = '/api/v1'
const account = `${api}/account` as const
const email = `${api}/email` as const
const factors = `${account}/second-factors` as const
const item = `${api}/vaults/{vaultId}/items/{itemId}` as const
const share = `${api}/shares/{shareId}` as const

export const serverPaths = {
  health: '/healthz',
  readiness: '/readyz',
  server: `${api}/server`,
  contract: `${api}/openapi.json`,
} as const

export const accountPaths = {
  register: `${api}/register`,
  account,
  password: `${account}/password`,
  passwordByOpaque: `${account}/opaque`,
  email: `${account}/email`,
  hint: `${account}/hint`,
  deletion: `${account}/deletion`,
  events: `${account}/events`,
} as const

export const opaquePaths = {
  register: `${api}/opaque/register`,
  login: `${api}/opaque/login`,
} as const

export const sessionPaths = {
  prelogin: `${api}/prelogin`,
  login: `${api}/login`,
  refresh: `${api}/token/refresh`,
  logout: `${api}/logout`,
  sessions: `${api}/sessions`,
  session: `${api}/sessions/{sessionId}`,
} as const

export const secondFactorPaths = {
  factors,
  factor: `${factors}/{factorId}`,
  totp: `${factors}/totp`,
  confirmTotp: `${factors}/totp/{totpId}/confirm`,
  webauthn: `${factors}/webauthn`,
  confirmWebauthn: `${factors}/webauthn/{webauthnId}/confirm`,
  recoveryCodes: `${factors}/recovery-codes`,
} as const

export const tokenPaths = {
  tokens: `${api}/tokens`,
  token: `${api}/tokens/{tokenId}`,
  current: `${api}/tokens/current`,
} as const

export const vaultPaths = {
  vaults: `${api}/vaults`,
  vault: `${api}/vaults/{vaultId}`,
  changes: `${api}/vaults/{vaultId}/changes`,
  batch: `${api}/vaults/{vaultId}/batch`,
} as const

export const itemPaths = {
  items: `${api}/vaults/{vaultId}/items`,
  item,
  restore: `${item}/restore`,
  versions: `${item}/versions`,
} as const

export const sharePaths = {
  shares: `${api}/shares`,
  share,
  reveal: `${share}/reveal`,
  acknowledge: `${share}/ack`,
  receipt: `${share}/receipt`,
} as const

export const emailPaths = {
  confirm: `${email}/confirm`,
  resend: `${email}/resend`,
  hint: `${email}/hint`,
  deletion: `${email}/delete`,
  confirmDeletion: `${email}/delete/confirm`,
  cancelDeletion: `${email}/delete/cancel`,
} as const

/** What browsers open. */
export const pagePaths = {
  home: '/',
  documentation: '/docs',
  stylesheet: '/docs/style.css',
  problem: '/problems/{code}',
  share: '/s/{id}',
  confirm: '/confirm',
  deleteAccount: '/delete-account',
  keepAccount: '/keep-account',
  asset: '/assets/{file}',
} as const

/** What SnapPass answers too. */
export const snapPassPaths = {
  form: '/',
  setPasswordWithoutSlash: '/api/set_password',
  setPassword: '/api/set_password/',
  passwords: '/api/v2/passwords',
  password: '/api/v2/passwords/{token}',
  page: '/{token}',
  health: '/_/_/health',
} as const

/** What only the operator asks. */
export const operatorPaths = { reflection: '/operator/reflection' } as const

/** The names in the braces of a path. */
type ParameterOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterOf<Rest>
  : never

/**
 * A path with its parameters filled in, each percent-encoded (RFC 3986, section 2.1), so that none reaches into another segment.
 * @param parameters a value for each name in braces
 */
export const pathTo = <Path extends string>(
  path: Path,
  parameters: Readonly<Record<ParameterOf<Path>, string>>,
): string => {
  const values: Readonly<Record<string, string>> = parameters
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}
