// The paths of Bitwarden's API, as its apps have them. Parameters stand in braces.
export const bitwardenAccountPaths = {
  revision: '/api/accounts/revision-date',
  profile: '/api/accounts/profile',
} as const
