// `npm run test:bitwarden`: Bitwarden's own command line against a server, over TLS. It takes minutes and fetches the programs.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/bitwarden/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts', 'test/support/bw-packages.ts'],
    reporters: ['minimal', './test/support/progress.ts'],
    // Each command of `bw` takes a second or two to start.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
  },
})
