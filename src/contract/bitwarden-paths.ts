// The paths of Bitwarden's API, as its apps have them. Parameters stand in braces.

/** Where SnapPass and Limpet's own API are below a folder that Bitwarden's apps use too. */
const others = /^\/api\/(?:v\d+|set_password)(?:\/|$)/

/** Whether a path is one that only Bitwarden's apps ask for, whether there is something or not. */
export const isBitwardenPath = (path: string): boolean =>
  /^\/(?:api|identity|notifications|icons|events)\//.test(path) && !others.test(path)

export const bitwardenAccountPaths = {
  revision: '/api/accounts/revision-date',
  profile: '/api/accounts/profile',
  avatar: '/api/accounts/avatar',
  domains: '/api/settings/domains',
  keys: '/api/accounts/keys',
  userKeyId: '/api/accounts/key-management/user-key-id',
  rotation: '/api/accounts/key-management/rotate-user-account-keys',
  keyPair: '/api/accounts/key-management/regenerate-keys',
  publicKey: '/api/users/{id}/public-key',
  password: '/api/accounts/password',
  kdf: '/api/accounts/kdf',
  emailCode: '/api/accounts/email-token',
  email: '/api/accounts/email',
  stamp: '/api/accounts/security-stamp',
  account: '/api/accounts',
  deletion: '/api/accounts/delete',
  deletionByMail: '/api/accounts/delete-recover',
  apiKey: '/api/accounts/api-key',
  rotateApiKey: '/api/accounts/rotate-api-key',
  verifyPassword: '/api/accounts/verify-password',
  requestCode: '/api/accounts/request-otp',
  verifyCode: '/api/accounts/verify-otp',
} as const

export const bitwardenFactorPaths = {
  list: '/api/two-factor',
  readTotp: '/api/two-factor/get-authenticator',
  totp: '/api/two-factor/authenticator',
  readKeys: '/api/two-factor/get-webauthn',
  beginKey: '/api/two-factor/get-webauthn-challenge',
  keys: '/api/two-factor/webauthn',
  allKeys: '/api/two-factor/webauthn/all',
  readEmail: '/api/two-factor/get-email',
  mailAddressCode: '/api/two-factor/send-email',
  email: '/api/two-factor/email',
  mailLoginCode: '/api/two-factor/send-email-login',
  deviceCheck: '/api/accounts/verify-devices',
  mailDeviceCode: '/api/accounts/resend-new-device-otp',
  readRecoveryCode: '/api/two-factor/get-recover',
  disable: '/api/two-factor/disable',
  readDuo: '/api/two-factor/get-duo',
  duo: '/api/two-factor/duo',
  readYubiKey: '/api/two-factor/get-yubikey',
  yubiKey: '/api/two-factor/yubikey',
} as const

export const bitwardenLoginPaths = {
  sendVerification: '/identity/accounts/register/send-verification-email',
  verificationClicked: '/identity/accounts/register/verification-email-clicked',
  finish: '/identity/accounts/register/finish',
  /** Older spellings of one thing. */
  register: ['/identity/accounts/register', '/api/accounts/register'],
  prelogin: ['/identity/accounts/prelogin', '/identity/accounts/prelogin/password', '/api/accounts/prelogin'],
  token: '/identity/connect/token',
  hint: '/api/accounts/password-hint',
  config: '/api/config',
} as const

export const bitwardenItemPaths = {
  items: '/api/ciphers',
  /** Older clients say by the path what newer ones say by the method. */
  deletion: '/api/ciphers/delete',
  clone: '/api/ciphers/create',
  restoration: '/api/ciphers/restore',
  archive: '/api/ciphers/archive',
  unarchive: '/api/ciphers/unarchive',
  move: '/api/ciphers/move',
  import: '/api/ciphers/import',
  purge: '/api/ciphers/purge',
  item: '/api/ciphers/{id}',
  details: '/api/ciphers/{id}/details',
  fullDetails: '/api/ciphers/{id}/full-details',
  itemPlace: '/api/ciphers/{id}/partial',
  itemDeletion: '/api/ciphers/{id}/delete',
  itemRestoration: '/api/ciphers/{id}/restore',
  itemArchive: '/api/ciphers/{id}/archive',
  itemUnarchive: '/api/ciphers/{id}/unarchive',
  folders: '/api/folders',
  allFolders: '/api/folders/all',
  folder: '/api/folders/{id}',
  folderDeletion: '/api/folders/{id}/delete',
  sync: '/api/sync',
} as const

export const bitwardenDevicePaths = {
  devices: '/api/devices',
  device: '/api/devices/{deviceId}',
  deactivate: '/api/devices/{deviceId}/deactivate',
  byIdentifier: '/api/devices/identifier/{identifier}',
  pushToken: '/api/devices/identifier/{identifier}/token',
  clearPushToken: '/api/devices/identifier/{identifier}/clear-token',
  webPush: '/api/devices/identifier/{identifier}/web-push-auth',
  known: '/api/devices/knowndevice',
  knownInPath: '/api/devices/knowndevice/{email}/{identifier}',
} as const

/** Files of items. */
export const bitwardenFilePaths = {
  announce: '/api/ciphers/{id}/attachment/v2',
  file: '/api/ciphers/{id}/attachment/{fileId}',
  renew: '/api/ciphers/{id}/attachment/{fileId}/renew',
  content: '/api/attachments/{fileId}',
} as const

/** Sends: of their owner, of their readers, and of their readers' older clients. */
export const bitwardenSendPaths = {
  access: '/api/sends/access',
  accessFile: '/api/sends/access/file/{fileId}',
  oldAccess: '/api/sends/access/{accessId}',
  oldAccessFile: '/api/sends/{accessId}/access/file/{fileId}',
  content: '/api/sends/content/{fileId}',
  sends: '/api/sends',
  newFile: '/api/sends/file/v2',
  send: '/api/sends/{sendId}',
  file: '/api/sends/{sendId}/file/{fileId}',
  removePassword: '/api/sends/{sendId}/remove-password',
} as const

export const bitwardenHubPaths = {
  hub: '/notifications/hub',
  anonymousHub: '/notifications/anonymous-hub',
} as const

export const bitwardenAuthRequestPaths = {
  requests: '/api/auth-requests',
  pending: '/api/auth-requests/pending',
  request: '/api/auth-requests/{requestId}',
  response: '/api/auth-requests/{requestId}/response',
} as const

export const bitwardenIconPaths = {
  icon: '/icons/{host}/icon.png',
} as const
