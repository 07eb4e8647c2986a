// A process that only holds an account key: the program runs as one when a command starts it so.
import { text } from 'node:stream/consumers'
import { systemClock } from '../../clock.ts'
import { print } from '../../terminal/output.ts'
import { Held, holdKey } from './key-holder.ts'
import { readyWord } from './words.ts'

/** Holds the key that comes on standard input, until it is forgotten. */
export async function hold(): Promise<void> {
  const { ended } = await holdKey(Held.parse(JSON.parse(await text(process.stdin))), systemClock)
  print(readyWord)
  await ended
}
