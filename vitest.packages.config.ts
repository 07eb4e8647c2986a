// `npm run test:packages`: what is published, installed in empty folders and used, on two versions of Node. It takes two minutes and
// asks the npm registry.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/packages/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    bail: 1,
  },
})
