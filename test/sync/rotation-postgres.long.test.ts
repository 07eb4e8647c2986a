// Changes of a vault's key in random sequences, on Postgres, at length.
import { rotationSuite } from './rotation-suite.ts'

rotationSuite('postgres', 1000)
