// `npm run test:long`: tests of many rounds, which take minutes. A part of `npm run check`.
import { defineConfig } from 'vitest/config'
import tests from './vitest.config.ts'

const { projects: _, ...settings } = tests.test ?? {}

export default defineConfig({ test: { ...settings, include: ['test/**/*.long.test.ts'] } })
