// Two clients and a plain map as the model, on Postgres, at length.
import { modelSuite } from './model-suite.ts'

modelSuite('postgres', 1000)
