// Completion for bash, from 3.2 on (which macOS has), without the package bash-completion.
import {
  type Candidates,
  firstWords,
  operandsByPlace,
  type Program,
  valuesByOption,
  wordsOfGroups,
} from './candidates.ts'
import { branches, quoted, walk } from './posix.ts'

const offering = (words: readonly string[]) => `_limpet_offer ${words.map(quoted).join(' ')}`

/** What is done for the candidates. */
function offer(candidates: Candidates): string {
  if (candidates === 'file') return '_limpet_offer_files'
  if (candidates === 'program') return '_limpet_offer_programs'
  return candidates === 'other' ? ':' : offering(candidates)
}

export function bashScript(program: Program): string {
  const words = (list: readonly { readonly word: string }[]) => offering(list.map(({ word }) => word))
  const values = valuesByOption(program)
  return `# Completion of limpet for bash.

_limpet_offer() {
  local word
  for word in "$@"; do
    if [[ $word == "$current"* ]]; then
      printf -v word '%q' "$word"
      COMPREPLY+=("$word")
    fi
  done
}

_limpet_offer_all() {
  local found
  while IFS= read -r found; do COMPREPLY+=("$found"); done
}

_limpet_offer_files() {
  compopt -o filenames 2>/dev/null
  _limpet_offer_all < <(compgen -f -- "$current")
}

_limpet_offer_programs() {
  _limpet_offer_all < <(compgen -c -- "$current")
}

_limpet_first() {
  ${words(firstWords(program))}
}

_limpet_second() {
  case $1 in
${branches([...wordsOfGroups(program)].map(([first, group]) => [first, words(group)]))}
  esac
  ((\${#COMPREPLY[@]} > 0))
}

_limpet_options() {
  case $1 in
${branches(program.map(({ name, options }) => [name, words(options.map((option) => ({ word: option.name })))]))}
  esac
}

_limpet_value() {
  case $1 in
${branches(values.map(([place, candidates]) => [place, offer(candidates)]))}
  esac
}

_limpet_operand() {
  case $1 in
${branches(operandsByPlace(program).map(([place, candidates]) => [place, offer(candidates)]))}
  esac
}

${walk(program, { words: 'COMP_WORDS', cursor: 'COMP_CWORD', first: 1 })}

_limpet() {
  COMPREPLY=()
  local current=\${COMP_WORDS[COMP_CWORD]} command='' operands=0 value_of='' no_options=''
  _limpet_walk || return
  if [[ -n $value_of ]]; then
    if [[ $current == = ]]; then current=''; fi
    _limpet_value "$command $value_of"
  elif [[ -z $no_options && $current == -* ]]; then
    _limpet_options "$command"
  else
    _limpet_operand "$command $operands"
  fi
}

complete -F _limpet limpet
`
}
