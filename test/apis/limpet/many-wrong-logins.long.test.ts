// Many wrong logins: ten thousand.
import { engines } from '../../support/database.ts'
import { manyWrongLogins } from './many-wrong-logins.ts'

for (const engine of engines) manyWrongLogins(engine, 10_000)
