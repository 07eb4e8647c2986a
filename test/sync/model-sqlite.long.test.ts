// Two clients and a plain map as the model, on SQLite, at length.
import { modelSuite } from './model-suite.ts'

modelSuite('sqlite', 1000)
