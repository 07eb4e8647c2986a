// Tests: every one on SQLite and on a real Postgres, which starts with the first test run and ends with it.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const longer = ['bitwarden', 'compose', 'crash', 'packages']
  .map((folder) => `test/${folder}/**`)
  .concat('test/**/*.long.test.ts')

/** Files that replace a module, or what a setup file replaced, for themselves alone: each needs a process of its own. */
const alone = [
  'test/apis/limpet/login-queue.test.ts',
  'test/cli/export-killed.test.ts',
  'test/cli/terminal.test.ts',
  'test/documents/export-format.test.ts',
  'test/domain/identity/password-hasher.test.ts',
  'test/protocol/opaque.test.ts',
  'test/protocol/sealed-export.test.ts',
  'test/protocol/vectors.test.ts',
  'test/sdk/moving/real-databases.test.ts',
  'test/sdk/moving/writers.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: ['test/support/postgres.ts'],
    reporters: ['minimal', './test/support/progress.ts'],
    setupFiles: ['test/support/quick-passwords.ts', 'test/support/watch-statements.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Where a test waits for something, it is there at once, unless the machine is busy.
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    // Hundreds of programs are started, from the same sources.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    projects: [
      {
        extends: true,
        // The server's modules are loaded once for all files that a worker runs, which takes half of the time.
        test: {
          name: 'together',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: [...longer, ...alone],
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
})
