// Files of other programs, for tests.
import { fileOfBytes } from '../../src/sdk/moving/index.ts'

export const fileOfText = (text: string, name = 'export') => fileOfBytes(new TextEncoder().encode(text), name)
