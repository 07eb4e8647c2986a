// For drizzle-kit: `npm run migrations` writes what changed in src/store/schema.ts to migrations/<engine>.
import { defineConfig } from 'drizzle-kit'

const engine = process.env.ENGINE === 'postgres' ? 'postgres' : 'sqlite'

export default defineConfig({
  dialect: engine === 'postgres' ? 'postgresql' : 'sqlite',
  schema: `./src/store/schema.${engine}.ts`,
  out: process.env.OUT ?? `./migrations/${engine}`,
})
