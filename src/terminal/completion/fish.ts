// Completion for fish.
import {
  type Candidates,
  firstWords,
  operandsByPlace,
  type Program,
  valuesByOption,
  wordsOfGroups,
} from './candidates.ts'

/** Between single quotes, fish takes a backslash and a single quote with a backslash before it. */
const quoted = (text: string) => `'${text.replaceAll(/[\\']/g, '\\$&')}'`

const complete = (condition: string, rest: string) => `complete -c limpet -n ${quoted(condition)} ${rest}`

/** What fish offers; it evaluates the words once more. */
function offer(candidates: Candidates): string {
  if (candidates === 'file') return '-r -F'
  if (candidates === 'program') return "-x -a '(__fish_complete_command)'"
  return candidates === 'other' ? '-x' : `-x -a ${quoted(candidates.map(quoted).join(' '))}`
}

export function fishScript(program: Program): string {
  const words = [
    ...firstWords(program).map((one) => ({ behind: '', ...one })),
    ...[...wordsOfGroups(program)].flatMap(([first, group]) =>
      group.map((one) => ({ behind: ` ${quoted(first)}`, ...one })),
    ),
  ]
  const options = program.flatMap(({ name, options }) =>
    options.map((option) => {
      const value = option.value === undefined ? '' : ` ${offer(option.value)}`
      return complete(
        `__limpet_is ${quoted(name)}`,
        `-l ${quoted(option.name.slice(2))} -d ${quoted(option.help)}${value}`,
      )
    }),
  )
  const operands = operandsByPlace(program)
    .filter(([, candidates]) => candidates !== 'other')
    .map(([place, candidates]) =>
      complete(`__limpet_operand ${quoted(place)}`, offer(candidates).replace(/^-[rx] ?/, '')),
    )
  return `# Completion of limpet for fish.

set -g __limpet_pairs ${program
    .filter(({ name }) => name.includes(' '))
    .map(({ name }) => quoted(name))
    .join(' ')}
set -g __limpet_values ${valuesByOption(program)
    .map(([place]) => quoted(place))
    .join(' ')}

function __limpet_follows
    set -l words (commandline -opc)
    set -e words[1]
    if test "$words[1]" = help
        set -e words[1]
    end
    test "$words" = "$argv"
end

function __limpet_command
    set -l words (commandline -opc)
    set -e words[1]
    if test (count $words) -ge 2; and contains -- "$words[1] $words[2]" $__limpet_pairs
        echo "$words[1] $words[2]"
    else if test (count $words) -ge 1
        echo $words[1]
    end
end

function __limpet_is
    set -l command (__limpet_command)
    test "$command" = "$argv[1]"
end

function __limpet_operand
    set -l command (__limpet_command)
    test -n "$command"; or return 1
    set -l words (commandline -opc)
    set -l operands 0
    set -l is_value no
    set -l no_options no
    for word in $words[(math 2 + (count (string split ' ' -- $command)))..-1]
        if test $is_value = yes
            set is_value no
        else if test $no_options = no; and test "$word" = --
            set no_options yes
        else if test $no_options = no; and string match -q -- '--*' "$word"
            if contains -- "$command $word" $__limpet_values
                set is_value yes
            end
        else
            set operands (math $operands + 1)
        end
    end
    test "$command $operands" = "$argv[1]"
end

complete -c limpet -f
${words.map(({ behind, word, means }) => complete(`__limpet_follows${behind}`, `-a ${quoted(quoted(word))} -d ${quoted(means)}`)).join('\n')}
${options.join('\n')}
${operands.join('\n')}
`
}
