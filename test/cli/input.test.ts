// What is asked for is taken exactly as it was given, or not at all.
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CliError } from '../../src/terminal/exit-codes.ts'
import type { Prompter } from '../../src/terminal/prompter.ts'
import { createPrompter } from '../../src/terminal/prompting.ts'

const questions: readonly (readonly [string, (prompter: Prompter) => Promise<unknown>])[] = [
  ['a secret', (prompter) => prompter.secret('Master password')],
  ['a line', (prompter) => prompter.line('Link')],
  ['a text', (prompter) => prompter.text('Notes')],
]

describe.each([false, true])('standard input that is a terminal: %s', (isTTY) => {
  beforeEach(() => void vi.spyOn(process.stderr, 'write').mockReturnValue(true))
  afterEach(() => vi.restoreAllMocks())

  const prompterOf = (...parts: Uint8Array[]) => {
    const input = Object.assign(new PassThrough(), { isTTY })
    for (const part of parts) input.write(part)
    input.end()
    return createPrompter(() => input)
  }

  it.each(questions)('gives %s of UTF-8 as it is, wherever a chunk ends', async (_what, ask) => {
    const bytes = Buffer.from('Grüße, 鍵 🔑\n')
    expect(await ask(prompterOf(...Array.from(bytes, (byte) => Uint8Array.of(byte))))).toBe('Grüße, 鍵 🔑')
  })

  it.each(questions)('gives no %s of other bytes, and says so without them', async (_what, ask) => {
    for (const bytes of [Buffer.from('Gr\xfc\xdfe\n', 'latin1'), Buffer.from([0xf0, 0x9f, 0x0a])]) {
      const error = await ask(prompterOf(bytes)).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(CliError)
      expect(error).toMatchObject({ ending: 'usage', message: expect.stringContaining('not UTF-8') })
      expect(String(error)).not.toContain('Gr')
    }
  })
})

it('bytes of standard input are given as they are', async () => {
  const input = new PassThrough()
  const bytes = Buffer.from([0xff, 0x00, 0x0a, 0xfe])
  input.end(bytes)
  expect(Buffer.from(await createPrompter(() => input).bytes('Secret', 100))).toEqual(bytes)
})
