// Many readers of the same share at the same time. `npm run check` has five times as many shares (share-races.long.test.ts).
import { engines } from '../../support/database.ts'
import { shareRaces } from './share-races.ts'

for (const engine of engines) shareRaces(engine, 100)
