// Tests: every one on SQLite and on a real Postgres, which starts with the first test run and ends with it.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/crash/**', 'test/compose/**', 'test/**/*.long.test.ts'],
    globalSetup: ['test/support/postgres.ts'],
    setupFiles: ['test/support/quick-passwords.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Hundreds of programs are started, from the same sources.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
  },
})
