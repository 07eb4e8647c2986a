// Completion for PowerShell.
import {
  type Candidates,
  firstWords,
  operandsByPlace,
  type Program,
  valuesByOption,
  type Word,
  wordsOfGroups,
} from './candidates.ts'

/** PowerShell takes typographic quotes for single quotes too; each is doubled. */
const quoted = (text: string) => `'${text.replaceAll(/['‘’‚‛]/g, '$&$&')}'`

const list = (words: readonly string[]) => `@(${words.map(quoted).join(', ')})`

/** What each means stands behind it, after a tab. */
const described = (words: readonly Word[]) => list(words.map(({ word, means }) => `${word}\t${means}`))

/** For a file, PowerShell offers by itself what there is, as it does wherever nothing else is offered. */
const offer = (candidates: Candidates) => list(typeof candidates === 'string' ? [] : candidates)

/** A hash table of PowerShell would take `A` for `a`. */
const table = (name: string, pairs: readonly (readonly [string, string])[]) =>
  [
    `  $${name} = New-Object 'System.Collections.Generic.Dictionary[string,object]'`,
    ...pairs.map(([key, value]) => `  $${name}.Add(${quoted(key)}, ${value})`),
  ].join('\n')

export function powershellScript(program: Program): string {
  const options = program.map(
    ({ name, options: list }) =>
      [name, described(list.map((option) => ({ word: option.name, means: option.help })))] as const,
  )
  const groups = [...wordsOfGroups(program)].map(([first, group]) => [first, described(group)] as const)
  const values = valuesByOption(program).map(([place, candidates]) => [place, offer(candidates)] as const)
  const operands = operandsByPlace(program).map(([place, candidates]) => [place, offer(candidates)] as const)
  return `# Completion of limpet for PowerShell.

Register-ArgumentCompleter -Native -CommandName limpet -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  Set-StrictMode -Off

  $firstWords = ${described(firstWords(program))}
${table('groups', groups)}
${table('options', options)}
${table('values', values)}
${table('operands', operands)}

  $before = { param($one) $one.Extent.EndOffset -lt $cursorPosition }
  $words = @($commandAst.CommandElements | Where-Object { & $before $_ } | ForEach-Object { $_.Extent.Text })
  $prefix = ''
  $typed = [string]$wordToComplete
  $fitting = {
    param($list)
    $list | Where-Object { ($_ -split "\`t", 2)[0].StartsWith($typed, [System.StringComparison]::Ordinal) }
  }

  # "help" takes what stands first otherwise.
  $at = 1
  if ($words.Count -gt 1 -and $words[1] -ceq 'help') { $at = 2 }
  $first = [string]$words[$at]
  $second = [string]$words[$at + 1]
  $offered = @()
  if ($words.Count -eq $at) {
    $offered = @(& $fitting $firstWords)
  } elseif ($words.Count -eq $at + 1 -and $groups.ContainsKey($first)) {
    $offered = @(& $fitting $groups[$first])
  }
  if ($offered.Count -eq 0 -and $at -eq 1 -and $words.Count -gt 1) {
    $command = $first
    $next = 2
    if ($words.Count -gt 2 -and $options.ContainsKey("$first $second")) {
      $command = "$first $second"
      $next = 3
    }
    if (-not $options.ContainsKey($command)) { return }
    $valueOf = ''
    $noOptions = $false
    $count = 0
    for (; $next -lt $words.Count; $next++) {
      $word = $words[$next]
      if ($valueOf -ne '') { $valueOf = '' }
      elseif (-not $noOptions -and $word -ceq '--') { $noOptions = $true }
      elseif (-not $noOptions -and $word.StartsWith('--')) {
        if ($values.ContainsKey("$command $word")) { $valueOf = $word }
      } else { $count++ }
    }
    $list = @()
    if ($valueOf -ne '') {
      $list = $values["$command $valueOf"]
    } elseif (-not $noOptions -and $typed -match '^(--[^=]+)=(.*)$') {
      $prefix = $Matches[1] + '='
      $typed = $Matches[2]
      if ($values.ContainsKey("$command $($Matches[1])")) { $list = $values["$command $($Matches[1])"] }
    } elseif (-not $noOptions -and $typed.StartsWith('-')) {
      $list = $options[$command]
    } elseif ($operands.ContainsKey("$command $count")) {
      $list = $operands["$command $count"]
    }
    $offered = @(& $fitting $list)
  }

  foreach ($one in $offered) {
    $word, $means = $one -split "\`t", 2
    $text = $prefix + $word
    if ($word -match '[^\\w./:=-]') { $text = $prefix + "'" + ($word -replace "['\\u2018-\\u201b]", '$&$&') + "'" }
    if (-not $means) { $means = $word }
    [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $means)
  }
}
`
}
