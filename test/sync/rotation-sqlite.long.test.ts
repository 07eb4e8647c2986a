// Changes of a vault's key in random sequences, on SQLite, at length.
import { rotationSuite } from './rotation-suite.ts'

rotationSuite('sqlite', 1000)
