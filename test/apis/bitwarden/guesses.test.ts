// Guesses at what opens something. `npm run check` has a hundred times as many (guesses.long.test.ts).
import { engines } from '../../support/database.ts'
import { manyGuesses } from './guesses-suite.ts'

for (const engine of engines) manyGuesses(engine, 100)
