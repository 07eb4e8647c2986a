// Variables for a program: as options, and in files of lines NAME=VALUE.
import { CliError } from '../terminal/exit-codes.ts'
import { safeLine } from '../terminal/text.ts'

export interface Variable {
  readonly name: string
  /** A reference, or in a file also a plain value. */
  readonly value: string
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** @param where the option or the line, for messages. Throws a CliError that does not repeat the value. */
export function parseVariable(text: string, where: string): Variable {
  const at = text.indexOf('=')
  const name = text.slice(0, Math.max(0, at))
  if (at < 1 || !variableName.test(name))
    throw new CliError(
      'usage',
      `${where} takes NAME=VALUE, where NAME has letters, digits and "_" and begins with no digit.`,
    )
  return { name, value: text.slice(at + 1) }
}

/** What stands between quotes of one kind, or the text as it is. */
function unquoted(text: string, where: string): string {
  const [quote = ''] = text
  if (quote !== '"' && quote !== "'") return text
  if (text.length > 1 && text.endsWith(quote) && !text.slice(1, -1).includes(quote)) return text.slice(1, -1)
  throw new CliError('usage', `${where}: a quoted value ends with its quote, and has no other in it.`)
}

/**
 * Reads a file of variables: a line for each, empty lines, and comments that begin with `#`. `export` before a name and quotes around
 * a value are taken off; nothing is expanded. Throws a CliError that names the line, and not what is in it.
 */
export function parseEnvFile(text: string, file: string): Variable[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    const where = `${safeLine(file)}, line ${index + 1}`
    const { name, value } = parseVariable(trimmed.replace(/^export\s+/, ''), where)
    return [{ name, value: unquoted(value.trim(), where) }]
  })
}
