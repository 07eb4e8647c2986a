// `npm run test:crash`: takes minutes, so it is not part of `npm test`.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/crash/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts'],
    hookTimeout: 60_000,
  },
})
