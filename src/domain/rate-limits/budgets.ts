// How often one account, or one address as long as no account is known, may ask. Under which key: keys.ts.

/** Requests in a number of seconds. */
export interface Budget {
  readonly points: number
  readonly duration: number
}

/** For each kind of request, in all processes together. */
export const together = {
  /** Leads to a session. Many people can stand behind one address; guesses are slowed down by `loginFailures` and the backoff. */
  login: { points: 300, duration: 60 },
  /** Proves a password again within a session. */
  proof: { points: 30, duration: 60 },
  register: { points: 20, duration: 3600 },
  /** Confirms an address or asks for mail; and the same about one e-mail address. */
  mail: { points: 30, duration: 3600 },
  mailAbout: { points: 5, duration: 3600 },
  /** How much mail of one kind an address is sent: what strangers can ask for, and what tells its owner of something. */
  askedMail: { points: 10, duration: 3600 },
  notices: { points: 30, duration: 3600 },
  /** Makes a one-time share, which takes room on the disk until it is read. */
  share: { points: 120, duration: 3600 },
} as const

/** The same for what may turn out to have been right, and is taken back then. */
export const guesses = {
  /** Wrong passwords of all accounts from one address: what a stranger sends who tries one password everywhere. */
  loginFailures: { points: 100, duration: 600 },
  /** Wrong proofs of all shares from one address, of one share from one address, and of one share from everywhere. */
  addressProof: { points: 30, duration: 600 },
  readerProof: { points: 30, duration: 3600 },
  shareProof: { points: 100, duration: 3600 },
  /** What an address may still try of a share whose `shareProof` others have spent: strangers keep no reader out. */
  lateProof: { points: 1, duration: 3600 },
} as const

/** What comes by the thousand and is cheap to answer: each process counts for itself. */
export const alone = {
  refresh: { points: 120, duration: 60 },
  /** Answers with up to some hundred kilobytes. */
  securityLog: { points: 120, duration: 60 },
  read: { points: 12_000, duration: 60 },
  write: { points: 6_000, duration: 60 },
  /** Wrong bearer tokens from one address: counted before the database is asked, so not in it. */
  wrongTokens: { points: 300, duration: 300 },
} as const

/** How often the /48 around an address may do what the address may: many customers share one, and others have one to themselves. */
export const wider = 16

/** The name of a budget; `none` is for what load balancers ask. */
export type RateLimit = keyof typeof together | keyof typeof guesses | keyof typeof alone | 'none'
