// What the scripts for bash and for zsh have in common.
import { type Program, valuesByOption } from './candidates.ts'

/** Nothing between single quotes means anything to the shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** The branches of a `case`, each for one text as it is. */
export const branches = (pairs: readonly (readonly [string, string])[]) =>
  pairs.map(([text, action]) => `    ${quoted(text)}) ${action} ;;`).join('\n')

/** How a shell calls the words of a command line. */
interface Line {
  /** The array of the words. */
  readonly words: string
  /** The number of the word at the cursor. */
  readonly cursor: string
  /** The number of the first word after the program's name. */
  readonly first: number
}

/**
 * Functions that say what stands where, and a walk over the words before the cursor. `_limpet_walk` leaves what it found in `command`,
 * `operands`, `value_of` and `no_options`. It fails if there is no such command, or if it has offered words itself: by `_limpet_first`,
 * or by `_limpet_second`, which fails if it has none to offer.
 */
export const walk = (program: Program, { words, cursor, first }: Line): string => `_limpet_is_command() {
  case $1 in
${branches(program.map(({ name }) => [name, 'return 0']))}
  esac
  return 1
}

_limpet_takes_value() {
  case $1 in
${branches(valuesByOption(program).map(([place]) => [place, 'return 0']))}
  esac
  return 1
}

_limpet_walk() {
  local at=${first} first second word
  # "help" takes what stands first otherwise.
  if [[ \${${words}[at]-} == help ]] && ((${cursor} > at)); then ((at++)); fi
  first=\${${words}[at]-}
  second=\${${words}[at + 1]-}
  if ((${cursor} == at)); then
    _limpet_first
    return 1
  fi
  if ((${cursor} == at + 1)) && _limpet_second "$first"; then return 1; fi
  if ((at > ${first})); then return 1; fi
  command=$first
  ((at++))
  if ((${cursor} > at)) && _limpet_is_command "$first $second"; then
    command="$first $second"
    ((at++))
  fi
  _limpet_is_command "$command" || return 1

  operands=0
  for ((; at < ${cursor}; at++)); do
    word=\${${words}[at]}
    # bash makes three words of --option=value.
    if [[ -n $value_of && $word == = ]]; then continue; fi
    if [[ -n $value_of ]]; then
      value_of=''
    elif [[ -z $no_options && $word == -- ]]; then
      no_options=1
    elif [[ -z $no_options && $word == --* ]]; then
      if _limpet_takes_value "$command $word"; then value_of=$word; fi
    else
      ((operands++))
    fi
  done
  return 0
}`
