// Two clients and a plain map as the model, on Postgres.
import { modelSuite } from './model-suite.ts'

modelSuite('postgres')
