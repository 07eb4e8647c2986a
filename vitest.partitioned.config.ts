// `npm run test:partitioned`: the tests on Postgres once more, with the tables of each database cut up by vault, as "limpet-server partition"
// does it.
import { defineConfig } from 'vitest/config'
import tests from './vitest.config.ts'

export default defineConfig({
  test: {
    ...tests.test,
    globalSetup: ['test/support/partitioned-postgres.ts'],
    testNamePattern: /postgres/i,
    // To copy, fill and remove a database with 390 tables takes a while.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
