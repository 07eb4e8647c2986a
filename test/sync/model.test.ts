// Two clients and a plain map as the model. `npm run check` does ten times as much (*.long.test.ts).
import { engines } from '../support/database.ts'
import { modelSuite } from './model-suite.ts'

for (const engine of engines) modelSuite(engine, 100)
