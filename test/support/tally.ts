// Many answers: asked for together, and counted by what they say.
import { outcomeOf, type RawAnswer } from './requests.ts'

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** How often each outcome was met. */
export const tally = (answers: RawAnswer[]) =>
  Object.fromEntries([...Map.groupBy(answers, outcomeOf)].map(([outcome, all]) => [outcome, all.length]))

/** The seconds of `Retry-After`; NaN without it. */
export const retryAfter = ({ headers }: RawAnswer) => Number(headers['retry-after'])
