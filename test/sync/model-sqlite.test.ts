// Two clients and a plain map as the model, on SQLite.
import { modelSuite } from './model-suite.ts'

modelSuite('sqlite')
