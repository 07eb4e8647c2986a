// Many wrong logins. `npm run check` has ten times as many (many-wrong-logins.long.test.ts).
import { engines } from '../../support/database.ts'
import { manyWrongLogins } from './many-wrong-logins.ts'

for (const engine of engines) manyWrongLogins(engine, 1000)
