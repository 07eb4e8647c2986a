// Help, lists and mistakes as a person at a terminal meets them.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { helpFor } from '../../src/terminal/help.ts'
import { mostSimilar } from '../../src/terminal/similar.ts'
import { table } from '../../src/terminal/table.ts'
import { shortened, width, wrapped } from '../../src/terminal/text.ts'
import { newShell } from './program.ts'

const offline = { url: 'http://127.0.0.1:9' }

const textOf = (line: ReturnType<typeof table>[number]) => (typeof line === 'string' ? line : line.text)

describe('help', () => {
  afterEach(() => void vi.unstubAllGlobals())

  it('wraps at words, within the width', async () => {
    const shell = await newShell(offline)
    const loaded = await commands.load()
    const overview = await shell.done(['help'])
    for (const [name, command] of loaded) {
      expect(overview).toContain(`  ${name} `)
      const lines = helpFor(command)
      const example = lines.at(-1)
      for (const line of lines)
        if (line !== example && line !== lines[0]) expect(width(line), line).toBeLessThan(81)
      // Nothing is lost between the lines.
      const words = (text: string) => text.split(/\s+/).filter((word) => word !== '')
      expect(words(lines.join(' '))).toEqual(expect.arrayContaining(words(command.details ?? '')))
    }
    for (const line of overview.split('\n')) expect(width(line), line).toBeLessThan(81)
  })

  it('explains a group of commands', async () => {
    const shell = await newShell(offline)
    const group = await shell.done(['help', 'vault'])
    expect(group).toMatch(/^ {2}vault rename +give a vault another name$/m)
    expect(await shell.done(['vault', '--help'])).toBe(group)
    expect(await shell.done(['help', 'vault', 'rename'])).toContain('NEW_NAME')
    expect(await shell.done(['vault', 'rename', '--help'])).toContain('NEW_NAME')
  })

  it.each([
    [['lsit'], 'Did you mean "list"?'],
    [['vault', 'ranme'], 'Did you mean "vault rename"?'],
    [['valut', 'list'], 'Did you mean "vault"?'],
    [['vault'], '"limpet vault" takes list, create, rename, rm, rotate-key.'],
    [['help', 'sesions'], 'Did you mean "sessions"?'],
    [['get', 'Mail', '--reveel'], 'Did you mean --reveal?'],
    [['zzzzzzz'], '"limpet help" lists them.'],
  ])('says of %j what was probably meant', async (args, sentence) => {
    const shell = await newShell(offline)
    const { stderr } = await shell.ended('usage', args)
    expect(stderr).toContain(sentence)
  })

  it('guesses nothing that is far from what was typed', () => {
    expect(mostSimilar('list', ['rm', 'vault list'])).toBeUndefined()
    expect(mostSimilar('rn', ['rm'])).toBeUndefined()
    expect(mostSimilar('githb', ['GitLab', 'GitHub'])).toBe('GitHub')
    expect(mostSimilar('a'.repeat(10_000), ['b'.repeat(10_000)])).toBeUndefined()
  })
})

describe('text', () => {
  it.each([
    ['limpet', 6],
    ['日本語', 6],
    ['🐚', 2],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['e\u0301', 1],
    ['한국', 4],
    ['ﾊﾝｶｸ', 4],
  ])('takes as many columns as a terminal gives it: %s', (text, columns) => {
    expect(width(text)).toBe(columns)
  })

  it('is shortened to columns and wrapped at words', () => {
    expect(shortened('日本語', 5)).toBe('日本…')
    expect(shortened('日本語', 4)).toBe('日…')
    expect(shortened('limpet', 6)).toBe('limpet')
    expect(wrapped('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrapped('unbreakable', 4)).toEqual(['unbreakable'])
    expect(wrapped('', 4)).toEqual([''])
  })

  it('stands in tables that line up and fit', () => {
    const rows = [
      ['日本語の銀行', 'ada', 'id-1'],
      ['A name that is long enough to be left out in part', 'someone@example.com', 'id-2'],
    ]
    const wide = table(['NAME', 'USERNAME', 'ID'], rows, { room: undefined }).map(textOf)
    for (const [index, line] of wide.entries())
      expect(width(line.slice(0, line.lastIndexOf(['ID', 'id-1', 'id-2'][index] ?? '')))).toBe(72)
    const narrow = table(['NAME', 'USERNAME', 'ID'], rows, { room: 40 }).map(textOf)
    for (const line of narrow) expect(width(line)).toBeLessThan(41)
    expect(narrow[2]).toContain('…')
    expect(narrow[2]).toMatch(/id-2$/)
    // Ids stay whole, also where there is no room for them.
    const tight = table(['NAME', 'ID'], [['A name of a thing', 'x'.repeat(36)]], { room: 20 }).map(textOf)
    expect(tight[1]).toContain('x'.repeat(36))
  })
})
