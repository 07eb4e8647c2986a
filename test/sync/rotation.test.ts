// Changes of a vault's key in random sequences. `npm run check` does many times as much (*.long.test.ts).
import { engines } from '../support/database.ts'
import { rotationSuite } from './rotation-suite.ts'

for (const engine of engines) rotationSuite(engine, 10)
