// Completion in the shells themselves, as far as they are installed.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { bashScript } from '../../src/terminal/completion/bash.ts'
import type { Program } from '../../src/terminal/completion/candidates.ts'
import { fishScript } from '../../src/terminal/completion/fish.ts'
import { powershellScript } from '../../src/terminal/completion/powershell.ts'
import { zshScript } from '../../src/terminal/completion/zsh.ts'
import { Shell } from './program.ts'

const shells = ['bash', 'zsh', 'fish', 'powershell'] as const

const evilWord = `a'b"$(touch stolen)\`touch stolen\`;*`

/** A program whose names and words would be commands of a shell that evaluated them. */
const evil: Program = [
  {
    name: evilWord,
    summary: evilWord,
    options: [{ name: `--${evilWord}`, help: `${evilWord}: \\n`, value: [evilWord] }],
    operands: [[evilWord, 'other']],
  },
  { name: 'plain', summary: evilWord, options: [], operands: [[evilWord]] },
]

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limpet-completion-'))
  writeFileSync(join(folder, 'a file.txt'), '')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Neither a server nor a session is there, and nothing is written: tests look into the folder. */
const newShell = () => new Shell(join(folder, 'state'), 'http://127.0.0.1:9', 'here')

const lines = (text: string) => text.split('\n').filter((line) => line !== '')

function needs(shell: string, { skip }: TestContext) {
  if (spawnSync(shell, ['-c', 'exit 0']).error) skip(`${shell} is not installed on this machine`)
}

const run = (shell: string, args: readonly string[]) =>
  lines(execFileSync(shell, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))

/** What bash offers behind these words, the last of which is being typed. */
const inBash = (script: string, words: readonly string[]) =>
  run('bash', [
    '--norc',
    '-uc',
    `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _limpet; printf '%s\\n' "\${COMPREPLY[@]-}"`,
    'bash',
    'limpet',
    ...words,
  ])

/** The same in zsh, whose functions that add to the list only print it here. */
const inZsh = (script: string, words: readonly string[]) =>
  run('zsh', [
    '-fc',
    `autoload -Uz compinit; compinit -u -D
${script}
[[ $_comps[limpet] == _limpet ]] || exit 1
PREFIX=$@[-1]
compset() { PREFIX=\${PREFIX#*=} }
show() { local one found=1; for one; do [[ $one == "$PREFIX"* ]] && { print -r -- "$one"; found=0 }; done; return found }
compadd() { shift; show "$@" }
_describe() { local -a all; all=("\${(@P)argv[-1]}"); all=("\${(@)all//(#m)\\\\:/$'\\1'}"); show "\${(@)\${(@)all%%:*}//$'\\1'/:}" }
_files() { print -r -- files }
_command_names() { print -r -- programs }
words=("$@"); CURRENT=$#; _limpet; exit 0`,
    'zsh',
    'limpet',
    ...words,
  ])

const inFish = (script: string, words: readonly string[]) =>
  run('fish', [
    '--no-config',
    '-c',
    `${script}
complete -C "$argv[1]"`,
    ['limpet', ...words].join(' '),
  ]).map((line) => line.split('\t')[0] ?? '')

const real = { bash: inBash, zsh: inZsh, fish: inFish }

/** How each says that files are meant. */
const files = { bash: ['a file.txt'], zsh: ['files'], fish: ['a file.txt'] }

let loaded: Awaited<ReturnType<typeof commands.load>>
beforeAll(async () => {
  loaded = await commands.load()
})

describe.each(['bash', 'zsh', 'fish'] as const)('completion in %s', (shell) => {
  let script: string
  beforeAll(async () => {
    script = await newShell().done(['completion', shell])
  })
  const offered = (...words: string[]) => real[shell](script, words)

  it('offers the first words, and the second ones of a group', (context) => {
    needs(shell, context)
    const first = offered('')
    for (const [name] of loaded) expect(first).toContain(name.split(' ')[0])
    expect(first).toContain('help')
    expect(new Set(first).size).toBe(first.length)
    expect(offered('vau')).toEqual(['vault'])
    expect(offered('vault', '').toSorted()).toEqual(['create', 'list', 'rename', 'rm', 'rotate-key'])
    expect(offered('help', 'vault', 'ren')).toEqual(['rename'])
    expect(offered('help', 'gener')).toEqual(['generate'])
    expect(offered('share', 'rec')).toEqual(['receipt'])
  })

  it('offers the options of every command', (context) => {
    needs(shell, context)
    for (const name of ['list', 'share', 'share list', 'vault rotate-key', 'import']) {
      const options = loaded.find(([called]) => called === name)?.[1].options ?? {}
      const expected = [...Object.keys(options).map((option) => `--${option}`), '--help'].toSorted()
      expect(offered(...name.split(' '), '--').toSorted(), name).toEqual(expected)
    }
    expect(offered('list', 'mail', '--ki')).toEqual(['--kind'])
    expect(offered('vault', '--js')).toEqual([])
  })

  it('offers the words that an option or an operand takes', (context) => {
    needs(shell, context)
    expect(offered('completion', '').toSorted()).toEqual(shells.toSorted())
    expect(offered('add', 'lo')).toEqual(['login'])
    expect(offered('add', '--vault', 'login', 'lo')).toEqual(['login'])
    expect(offered('add', 'login', 'lo')).toEqual([])
    expect(offered('vault', 'rotate-key', '--versions', 'k')).toEqual(['keep'])
    expect(offered('import', '--folders', '').toSorted()).toEqual(['folder', 'tags', 'vaults'])
    expect(offered('list', '--kind', 'ss')).toEqual(['ssh-key'])
  })

  it('offers files where files are taken, and no names of items', (context) => {
    needs(shell, context)
    expect(offered('import', 'a')).toEqual(files[shell])
    expect(offered('import', '--key-file', 'a')).toEqual(files[shell])
    expect(offered('attach', 'Passport', 'a')).toEqual(files[shell])
    expect(offered('get', 'a')).toEqual([])
    expect(offered('get', '--field', 'a')).toEqual([])
  })

  it('evaluates nothing that stands in a name', (context) => {
    needs(shell, context)
    const made = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](evil)
    const typed = (...words: string[]) => real[shell](made, words)
    expect(typed('')).toHaveLength(5)
    expect(typed('plain', '')).toHaveLength(1)
    expect(run('ls', [])).toEqual(['a file.txt'])
    if (shell !== 'bash') return
    // As the line needs it: the shell reads one word, which is the name itself.
    const [word = ''] = typed('plain', '')
    expect(run('bash', ['-c', `printf '%s\\n' ${word}`])).toEqual([evilWord])
  })
})

it('reads --option=value as bash and zsh give it', async (context) => {
  needs('bash', context)
  const shell = newShell()
  const bash = await shell.done(['completion', 'bash'])
  expect(inBash(bash, ['list', '--kind', '=', 'lo'])).toEqual(['login'])
  expect(inBash(bash, ['list', '--kind', '='])).toContain('login')
  expect(inBash(bash, ['add', '--vault', '=', 'Work', 'no'])).toEqual(['note'])
  needs('zsh', context)
  const zsh = await shell.done(['completion', 'zsh'])
  expect(inZsh(zsh, ['list', '--kind=lo'])).toEqual(['login'])
  expect(inZsh(zsh, ['add', '--vault=Work', 'no'])).toEqual(['note'])
})

it('has every command and option in the script for PowerShell, and quotes them', async () => {
  const script = await newShell().done(['completion', 'powershell'])
  expect(script).toContain('Register-ArgumentCompleter -Native -CommandName limpet')
  for (const [name, { options }] of loaded) {
    expect(script).toContain(`  $options.Add('${name}', @(`)
    for (const [option, { type }] of Object.entries(options)) {
      expect(script).toContain(`'--${option}\t`)
      if (type === 'string') expect(script).toContain(`  $values.Add('${name} --${option}', @(`)
    }
  }
  expect(script).toContain("$values.Add('vault rotate-key --versions', @('keep', 'drop'))")
  // Names stand between single quotes, in which only these quotes mean anything.
  const typographic: Program = [{ name: 'it’s', summary: '', options: [], operands: [["'$(x)'"]] }]
  expect(powershellScript(typographic)).toContain("$operands.Add('it’’s 0', @('''$(x)'''))")
})

it('asks for nothing, and names the shells that there are', async () => {
  const shell = newShell()
  for (const name of shells) {
    const { stderr } = await shell.ended('done', ['completion', name])
    expect(stderr).toBe('')
  }
  const { stderr } = await shell.ended('usage', ['completion', 'tcsh'])
  expect(stderr).toContain('bash, zsh, fish, powershell')
})
