// Commands that give secrets to other programs: run, inject.
import { readFile } from 'node:fs/promises'
import { CliError } from '../../terminal/exit-codes.ts'
import { shortestMasked } from '../../terminal/masking.ts'
import { writeNewFile } from '../../terminal/new-file.ts'
import { printBytes, remark } from '../../terminal/output.ts'
import { safeLine, textIn } from '../../terminal/text.ts'
import { runProgramWith } from '../child.ts'
import { command, type Surroundings } from '../command.ts'
import { parseEnvFile, parseVariable, type Variable } from '../env-file.ts'
import { isReference, parseReference, resolveReference } from '../references.ts'
import { openWorkspace } from '../workspace.ts'

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    throw new CliError('usage', `There is no file ${safeLine(file)} that this user can read.`)
  }
}

/** The variables of files and options, in their order; a later one of the same name counts. */
async function variablesOf(files: readonly string[], options: readonly string[]): Promise<Variable[]> {
  const ofFiles: Variable[] = []
  for (const file of files) ofFiles.push(...parseEnvFile(await readText(file), file))
  const ofOptions = options.map((text) => parseVariable(text, '--env'))
  for (const { value } of [...ofFiles.filter(({ value }) => isReference(value)), ...ofOptions])
    parseReference(value)
  return [...new Map([...ofFiles, ...ofOptions].map((one) => [one.name, one])).values()]
}

/** The variables with their values in place of references. */
async function resolved(surroundings: Surroundings, variables: readonly Variable[]) {
  const secrets = new Map<string, string>()
  const values: Record<string, string> = {}
  // Nothing is opened for plain values alone.
  const workspace = variables.some(({ value }) => isReference(value))
    ? await openWorkspace(surroundings, 'read')
    : undefined
  for (const { name, value } of variables) {
    values[name] = workspace && isReference(value) ? resolveReference(workspace, value) : value
    if (values[name].includes('\0'))
      throw new CliError('usage', `The value for ${name} has a zero byte, which no environment can hold.`)
    if (isReference(value)) secrets.set(name, values[name])
  }
  return { values, secrets }
}

export const run = command({
  name: 'run',
  operands: ['COMMAND', '[ARGUMENT...]'],
  summary: 'run a program with secrets in its environment',
  details:
    'A reference is limpet://VAULT/ITEM/MEMBER. The values are in the environment of the program and nowhere else: not in arguments, on disk, or in this shell. Its exit code and signals are passed on. What opens vaults (LIMPET_TOKEN, LIMPET_UNLOCK_KEY) is not passed on. Write -- before the program.',
  example: 'limpet run --env PGPASSWORD=limpet://Production/Database/password -- ./deploy --verbose',
  options: {
    env: { type: 'string', value: 'NAME=REFERENCE', multiple: true, help: 'a variable; may be repeated' },
    'env-file': {
      type: 'string',
      value: 'FILE',
      multiple: true,
      help: 'a file of lines NAME=REFERENCE or NAME=VALUE; may be repeated',
    },
    mask: { type: 'boolean', help: 'hides the values in what the program writes' },
  },
  async run(surroundings, [program = '', ...args], { env = [], 'env-file': files = [], mask }) {
    const variables = await variablesOf(files, env)
    const { values, secrets } = await resolved(surroundings, variables)
    const short = [...secrets].filter(([, value]) => Buffer.byteLength(value) < shortestMasked)
    if (mask && short.length > 0)
      remark(
        `Not hidden, because shorter than ${shortestMasked} characters: ${short.map(([name]) => name).join(', ')}.`,
      )
    await runProgramWith(surroundings, program, args, values, mask ? [...secrets.values()] : undefined)
  },
})

const largestTemplate = 16 * 2 ** 20
const inTemplate = /\{\{\s*(limpet:\/\/[^}]*?)\s*\}\}/g

export const inject = command({
  name: 'inject',
  operands: [],
  summary: 'fill a template on standard input with secrets',
  details:
    'Every {{ limpet://VAULT/ITEM/MEMBER }} is replaced by its value, as it is. If one cannot be, nothing is written. Without --output it goes to standard output; a new file of --output can be read by you alone.',
  example: 'limpet inject --output config.yml < config.yml.template',
  options: {
    output: { type: 'string', value: 'FILE', help: 'writes a new file, with mode 0600' },
    force: { type: 'boolean', help: 'with --output: replaces a file that is there' },
  },
  async run(surroundings, _operands, { output, force = false }) {
    if (force && output === undefined) throw new CliError('usage', '--force goes with --output.')
    // The password, if one is asked for, is the first line of the input.
    const workspace = await openWorkspace(surroundings, 'read')
    const template = textIn(await surroundings.prompter.bytes('Template', largestTemplate))
    if (template === undefined) throw new CliError('usage', 'The template is not UTF-8.')
    if (Buffer.byteLength(template) > largestTemplate)
      throw new CliError('usage', 'A template has at most 16 MiB.')
    const found = [...template.matchAll(inTemplate)]
    for (const [, reference = ''] of found) parseReference(reference)
    const text = template.replace(inTemplate, (_whole, reference: string) =>
      resolveReference(workspace, reference),
    )
    if (output === undefined) return printBytes(Buffer.from(text))
    await writeNewFile(output, [Buffer.from(text)], { force })
    remark(`Wrote ${safeLine(output)}, with ${found.length} values in it.`)
  },
})
