// Completion for zsh, for its completion system (compinit).
import {
  type Candidates,
  firstWords,
  operandsByPlace,
  type Program,
  valuesByOption,
  type Word,
  wordsOfGroups,
} from './candidates.ts'
import { branches, quoted, walk } from './posix.ts'

/** A colon stands between a word and what it means. */
const described = ({ word, means }: Word) =>
  quoted(`${word.replaceAll(/[\\:]/g, '\\$&')}:${means.replaceAll(/\s+/g, ' ').replaceAll('\\', '\\\\')}`)

const offering = (words: readonly Word[]) => `offered=(${words.map(described).join(' ')})`

/** What is done for the candidates. */
function offer(candidates: Candidates): string {
  if (candidates === 'file') return '_files'
  if (candidates === 'program') return '_command_names -e'
  return candidates === 'other' ? 'return 1' : `compadd -- ${candidates.map(quoted).join(' ')}`
}

export function zshScript(program: Program): string {
  const values = valuesByOption(program)
  return `#compdef limpet
# Completion of limpet for zsh.

_limpet_first() {
  local -a offered
  ${offering(firstWords(program))}
  _describe -t commands command offered
}

_limpet_second() {
  local -a offered
  case $1 in
${branches([...wordsOfGroups(program)].map(([first, group]) => [first, offering(group)]))}
    *) return 1 ;;
  esac
  _describe -t commands command offered
}

_limpet_options() {
  local -a offered
  case $1 in
${branches(
  program.map(({ name, options }) => [
    name,
    offering(options.map((option) => ({ word: option.name, means: option.help }))),
  ]),
)}
    *) return 1 ;;
  esac
  _describe -t options option offered
}

_limpet_value() {
  case $1 in
${branches(values.map(([place, candidates]) => [place, offer(candidates)]))}
    *) return 1 ;;
  esac
}

_limpet_operand() {
  case $1 in
${branches(operandsByPlace(program).map(([place, candidates]) => [place, offer(candidates)]))}
    *) return 1 ;;
  esac
}

${walk(program, { words: 'words', cursor: 'CURRENT', first: 2 })}

_limpet() {
  local current=\${words[CURRENT]} command='' value_of='' no_options=''
  local -i operands=0
  _limpet_walk || return 1
  if [[ -n $value_of ]]; then
    _limpet_value "$command $value_of"
  elif [[ -z $no_options && $current == --*=* ]]; then
    compset -P 1 '*='
    _limpet_value "$command \${current%%=*}"
  elif [[ -z $no_options && $current == -* ]]; then
    _limpet_options "$command"
  else
    _limpet_operand "$command $operands"
  fi
}

# In a folder of fpath, this file is the function itself; otherwise it was evaluated.
if [[ \${funcstack[1]} == _limpet ]]; then
  _limpet "$@"
else
  compdef _limpet limpet
fi
`
}
