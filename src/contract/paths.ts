// Every path that Limpet answers, once: the routes declare it, clients fill it, and the tests hold nginx.conf against it.
// Parameters stand in braces, as in OpenAPI. Without zod, and in whole
// literals: so a page loads the groups alone that it uses.
export const serverPaths = {
  health: '/healthz',
  readiness: '/readyz',
  server: '/api/v1/server',
  contract: '/api/v1/openapi.json',
} as const

export const accountPaths = {
  register: '/api/v1/register',
  account: '/api/v1/account',
  password: '/api/v1/account/password',
  passwordByOpaque: '/api/v1/account/opaque',
  key: '/api/v1/account/key',
  email: '/api/v1/account/email',
  hint: '/api/v1/account/hint',
  deletion: '/api/v1/account/deletion',
  events: '/api/v1/account/events',
} as const

export const opaquePaths = {
  register: '/api/v1/opaque/register',
  login: '/api/v1/opaque/login',
} as const

export const sessionPaths = {
  prelogin: '/api/v1/prelogin',
  login: '/api/v1/login',
  refresh: '/api/v1/token/refresh',
  logout: '/api/v1/logout',
  sessions: '/api/v1/sessions',
  session: '/api/v1/sessions/{sessionId}',
} as const

export const secondFactorPaths = {
  factors: '/api/v1/account/second-factors',
  factor: '/api/v1/account/second-factors/{factorId}',
  totp: '/api/v1/account/second-factors/totp',
  confirmTotp: '/api/v1/account/second-factors/totp/{totpId}/confirm',
  webauthn: '/api/v1/account/second-factors/webauthn',
  confirmWebauthn: '/api/v1/account/second-factors/webauthn/{webauthnId}/confirm',
  recoveryCodes: '/api/v1/account/second-factors/recovery-codes',
} as const

export const tokenPaths = {
  tokens: '/api/v1/tokens',
  token: '/api/v1/tokens/{tokenId}',
  current: '/api/v1/tokens/current',
} as const

export const vaultPaths = {
  vaults: '/api/v1/vaults',
  vault: '/api/v1/vaults/{vaultId}',
  changes: '/api/v1/vaults/{vaultId}/changes',
  batch: '/api/v1/vaults/{vaultId}/batch',
} as const

export const livePaths = { events: '/api/v1/events' } as const

export const rotationPaths = {
  rotation: '/api/v1/vaults/{vaultId}/rotation',
  left: '/api/v1/vaults/{vaultId}/rotation/left',
  versions: '/api/v1/vaults/{vaultId}/rotation/versions',
  finish: '/api/v1/vaults/{vaultId}/rotation/finish',
} as const

export const itemPaths = {
  items: '/api/v1/vaults/{vaultId}/items',
  item: '/api/v1/vaults/{vaultId}/items/{itemId}',
  restore: '/api/v1/vaults/{vaultId}/items/{itemId}/restore',
  versions: '/api/v1/vaults/{vaultId}/items/{itemId}/versions',
} as const

export const attachmentPaths = {
  attachments: '/api/v1/vaults/{vaultId}/items/{itemId}/attachments',
  attachment: '/api/v1/vaults/{vaultId}/items/{itemId}/attachments/{attachmentId}',
} as const

export const sharePaths = {
  shares: '/api/v1/shares',
  share: '/api/v1/shares/{shareId}',
  reveal: '/api/v1/shares/{shareId}/reveal',
  acknowledge: '/api/v1/shares/{shareId}/ack',
  receipt: '/api/v1/shares/{shareId}/receipt',
} as const

export const emailPaths = {
  confirm: '/api/v1/email/confirm',
  resend: '/api/v1/email/resend',
  hint: '/api/v1/email/hint',
  deletion: '/api/v1/email/delete',
  confirmDeletion: '/api/v1/email/delete/confirm',
  cancelDeletion: '/api/v1/email/delete/cancel',
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
  /** What Bitwarden's apps open for a security key. */
  keyInFrame: '/webauthn-connector.html',
  keyOnPhone: '/webauthn-mobile-connector.html',
  keyInTab: '/webauthn-fallback-connector.html',
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
