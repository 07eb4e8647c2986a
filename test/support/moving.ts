// Files of other programs, for tests.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { fileOfBytes } from '../../src/sdk/moving/index.ts'

export const fileOfText = (text: string, name = 'export') => fileOfBytes(new TextEncoder().encode(text), name)

/** A file on disk, until the test ends. */
export async function fileWith(text: string, name = 'export.txt'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-import-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}
