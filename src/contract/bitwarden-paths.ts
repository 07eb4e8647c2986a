// The paths of Bitwarden's API, as its apps have them. Parameters stand in braces.
export const bitwardenAccountPaths = {
  revision: '/api/accounts/revision-date',
  profile: '/api/accounts/profile',
  verifyPassword: '/api/accounts/verify-password',
  requestCode: '/api/accounts/request-otp',
  verifyCode: '/api/accounts/verify-otp',
} as const
