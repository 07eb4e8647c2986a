// The groups that operations stand in, in the order in which the documentation shows them.

/** Each group, and what it is about. */
export const tags = {
  Server: 'What the server says about itself',
  Accounts: 'Registration, the account itself, its password, and what happened to it',
  Sessions: 'Login, refresh and logout, and the list of sessions',
  'Second factors': 'One-time codes, passkeys and recovery codes',
  Vaults: 'Vaults, their changes, and writes of many items at once',
  Live: 'What changes, told at once',
  Items: 'Items, the trash, and the versions that were replaced',
  Attachments: 'Files beside items, in parts that can be sent again',
  'Changing keys': 'Another key for a vault, while its clients go on reading and writing',
  'Personal access tokens': 'Tokens for scripts',
  'One-time shares': 'Secrets that can be read once',
  'E-mail': 'Confirming an address, and asking for mail',
} as const

export type Tag = keyof typeof tags
