// How a program ends: its exit codes, and the errors that end it.

/** What each way to end is called and means; docs/command-line.md and `limpet help` show this table. */
export const exitCodes = {
  done: { code: 0, means: 'Done.' },
  unexpected: { code: 1, means: 'Something unexpected, or the server does not allow it.' },
  usage: { code: 2, means: 'The command was not understood, or an input is missing or unsuitable.' },
  loggedOut: { code: 3, means: 'Not logged in, or the session has ended.' },
  wrongPassword: {
    code: 4,
    means: 'The password, the second factor, the passphrase, the unlock key or the key of a link is wrong.',
  },
  notFound: { code: 5, means: 'There is no such item, field, file, vault or share, or the share is gone.' },
  ambiguous: { code: 6, means: 'Several fit; they are listed on standard error.' },
  conflict: {
    code: 7,
    means: 'It was changed by somebody else, or the name is taken. Nothing was overwritten.',
  },
  unavailable: { code: 8, means: 'The server does not answer, or cannot right now.' },
  refused: {
    code: 9,
    means: 'The server did what an honest one does not do, or an envelope or a share does not open.',
  },
} as const

export type Ending = keyof typeof exitCodes

/** An end with a sentence for the person at the shell. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly ending: Ending

  constructor(ending: Ending, message: string) {
    super(message)
    this.ending = ending
  }
}

/** Signals that end a program, by their number. */
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

export type EndingSignal = keyof typeof signalNumbers
export const endingSignals: readonly EndingSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM']

/** A question was interrupted with Ctrl-C, or a signal ended what goes on until one comes. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  /** As a shell reports a program that the signal ended. */
  readonly code: number

  constructor(signal: EndingSignal = 'SIGINT') {
    super(`Ended by ${signal}`)
    this.code = 128 + signalNumbers[signal]
  }
}

/** A program that was run has ended with a code of its own, or could not be started. */
export class ChildEnded extends Error {
  override readonly name = 'ChildEnded'
  readonly code: number

  /** @param message why it could not be started; empty if it was */
  constructor(code: number, message = '') {
    super(message)
    this.code = code
  }
}
