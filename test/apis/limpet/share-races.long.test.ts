// Many readers of the same share at the same time, of many shares.
import { engines } from '../../support/database.ts'
import { shareRaces } from './share-races.ts'

for (const engine of engines) shareRaces(engine, 500)
