// A process that only holds an account key: the program runs as one when a command starts it so.
import { text } from 'node:stream/consumers'
import { systemClock } from '../../clock.ts'
import { print } from '../../terminal/output.ts'
import { Held, holdKey } from './key-holder.ts'
import { readyWord } from './words.ts'

const { ended } = await holdKey(Held.parse(JSON.parse(await text(process.stdin))), systemClock)
print(readyWord)
await ended
