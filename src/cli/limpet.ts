// The entry of the program `limpet`.
import { start } from './start.ts'

await start()
