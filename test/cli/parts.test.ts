// Parts of the command line that need no program and no server.
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { generatePassword } from '../../src/cli/passwords.ts'
import { stateFolderPath } from '../../src/cli/state-folder.ts'
import { exitCodes } from '../../src/terminal/exit-codes.ts'
import { safeJson, safeLine } from '../../src/terminal/text.ts'

describe('generated passwords', () => {
  it('have the length asked for and a character of each class', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 256 }), fc.boolean(), (length, symbols) => {
        const password = generatePassword({ length, symbols })
        expect(password).toHaveLength(length)
        for (const expected of [/[a-z]/, /[A-Z]/, /\d/]) expect(password).toMatch(expected)
        expect(/[^a-zA-Z\d]/.test(password)).toBe(symbols)
        expect(password).toMatch(/^[!-~]+$/)
      }),
    )
  })

  it('favour no character', () => {
    const drawn = Array.from({ length: 2000 }, () => generatePassword({ length: 62, symbols: false })).join(
      '',
    )
    const counts = Map.groupBy(drawn, (character) => character)
    // 124,000 draws over 62 characters: 2,000 each, and a deviation of a quarter is eleven standard deviations.
    expect(counts.size).toBe(62)
    for (const { length } of counts.values()) expect(Math.abs(length - 2000)).toBeLessThan(500)
  })
})

describe('the state folder', () => {
  it('is where the system keeps such things', () => {
    expect(stateFolderPath({}, 'linux', '/home/ada')).toBe('/home/ada/.local/state/limpet')
    expect(stateFolderPath({ XDG_STATE_HOME: '/state' }, 'linux', '/home/ada')).toBe('/state/limpet')
    expect(stateFolderPath({}, 'darwin', '/Users/ada')).toBe('/Users/ada/Library/Application Support/limpet')
    expect(stateFolderPath({ LIMPET_STATE_DIR: '/here' }, 'darwin', '/Users/ada')).toBe('/here')
  })
})

describe('text for a terminal', () => {
  it('has no control character in it, and JSON means the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(safeLine(text)).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u)
        const json = safeJson({ text })
        expect(JSON.parse(json)).toEqual({ text })
        expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u)
      }),
    )
  })
})

it('calls every command by the name that it says of itself', async () => {
  for (const [name, command] of await commands.load()) expect(command.name).toBe(name)
})

it('documents the exit codes that the program has', async () => {
  const page = await readFile(new URL('../../docs/command-line.md', import.meta.url), 'utf8')
  for (const { code, means } of Object.values(exitCodes)) expect(page).toContain(`| ${code} | ${means} |`)
})
