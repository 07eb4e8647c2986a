// completion: a script for a shell, made from the declarations of all commands.
import type { Command as Declared } from '../../terminal/command.ts'
import { bashScript } from '../../terminal/completion/bash.ts'
import { programOf } from '../../terminal/completion/candidates.ts'
import { fishScript } from '../../terminal/completion/fish.ts'
import { powershellScript } from '../../terminal/completion/powershell.ts'
import { zshScript } from '../../terminal/completion/zsh.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print } from '../../terminal/output.ts'
import { safeLine } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript, powershell: powershellScript } as const

const isShell = (name: string): name is keyof typeof scripts => Object.hasOwn(scripts, name)

/** @param load every command, this one too */
export const completionOf = (load: () => Promise<readonly (readonly [string, Declared<Surroundings>])[]>) =>
  command({
    name: 'completion',
    operands: [Object.keys(scripts).join('|')],
    summary: 'print a script that completes commands and options in a shell',
    details:
      'In ~/.bashrc: eval "$(limpet completion bash)". In ~/.zshrc, after compinit: eval "$(limpet completion zsh)". For fish: limpet completion fish > ~/.config/fish/completions/limpet.fish. In the profile of PowerShell: limpet completion powershell | Out-String | Invoke-Expression. The script knows commands, options and their words, and asks for nothing: names of items are not completed, because they are sealed.',
    example: 'eval "$(limpet completion bash)"',
    options: {},
    async run(_surroundings, [shell = '']) {
      if (!isShell(shell))
        throw new CliError(
          'usage',
          `A shell is one of ${Object.keys(scripts).join(', ')}; not "${safeLine(shell)}".`,
        )
      print(
        ...scripts[shell](programOf(await load()))
          .trimEnd()
          .split('\n'),
      )
    },
  })
