// `npm run test:compose`: the deployment with Docker, which takes minutes and the ports 80, 443 and 8080.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/compose/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 900_000,
    fileParallelism: false,
    bail: 1,
  },
})
