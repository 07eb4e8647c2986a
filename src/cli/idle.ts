// How long a login session stays unlocked without a command.
import { minutes } from '../clock.ts'

/** Seconds without a command after which the key is forgotten. */
export const idleBounds = { min: 60, max: 86_400 } as const

/** Milliseconds, if nothing else is said. */
export const defaultIdle = minutes(15)
