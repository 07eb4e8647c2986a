// `npm run test:long`: tests of many rounds, which take minutes. A part of `npm run check`.
import { defineConfig } from 'vitest/config'
import tests from './vitest.config.ts'

export default defineConfig({
  test: { ...tests.test, include: ['test/**/*.long.test.ts'], exclude: [] },
})
