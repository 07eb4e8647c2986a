// Guesses at what opens something: ten thousand at a password.
import { engines } from '../../support/database.ts'
import { manyGuesses } from './guesses-suite.ts'

for (const engine of engines) manyGuesses(engine, 10_000)
