// What the key of a shell, the process of a login session and the system's keychain all give.

/** An account key in clear. */
export interface AccountKey {
  readonly bytes: Uint8Array
  readonly version: number
}

/** What can keep one for a login session: a process, or the system's keychain. */
export const keepers = ['agent', 'keychain'] as const
export type Keeper = (typeof keepers)[number]

export const keeperNamed = (name: string | undefined): Keeper | undefined =>
  keepers.find((one) => one === name)

/** One that something keeps for a login session. */
export interface HeldAccountKey extends AccountKey {
  readonly accountId: string
  /** Milliseconds without a command after which it is forgotten. */
  readonly idle: number
}
