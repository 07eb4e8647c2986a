// Commands without a session: generate, derive.
import { encodeContent, itemAssociatedData, prepareRegistration, seal } from '../../sdk/index.ts'
import { wholeNumber } from '../../terminal/command.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark, remarksToTerminal } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { copySecret } from '../clipboard.ts'
import { command } from '../command.ts'
import {
  generatePassphrase,
  generatePassword,
  passphraseLengths,
  passwordBits,
  passwordLengths,
} from '../passwords.ts'
import { newDevice } from '../state-folder.ts'
import { emailFrom, newMasterPassword } from './account.ts'

export const generate = command({
  name: 'generate',
  operands: [],
  summary: 'print a new random password, or with --words a passphrase',
  details: `A password has letters, digits and symbols, at least one of each, ${passwordLengths.default} characters unless said otherwise. A passphrase has words of a list of 7,776, each equally likely, so that each adds 12.9 bits of entropy.`,
  example: 'limpet generate --words 6',
  options: {
    length: {
      type: 'string',
      value: 'N',
      help: `${passwordLengths.min} to ${passwordLengths.max} characters`,
    },
    'no-symbols': { type: 'boolean', help: 'letters and digits only' },
    words: {
      type: 'string',
      value: 'N',
      help: `a passphrase of ${passphraseLengths.min} to ${passphraseLengths.max} words`,
    },
    separator: {
      type: 'string',
      value: 'TEXT',
      help: 'what stands between words; a hyphen unless said otherwise',
    },
    copy: { type: 'boolean', help: 'copies it to the clipboard, and prints nothing' },
    json: { type: 'boolean', help: 'prints JSON' },
  },
  async run({ environment }, _operands, { words, separator, copy = false, json = false, ...characters }) {
    if (copy && json) throw new CliError('usage', '--copy prints nothing; leave out --json.')
    if (words === undefined && separator !== undefined)
      throw new CliError('usage', '--separator goes with --words.')
    const { password, bits } =
      words === undefined
        ? passwordOf(characters)
        : await passphraseOf(wholeNumber('words', words, passphraseLengths), separator ?? '-', characters)
    const entropy = Math.floor(bits * 10) / 10
    if (copy) await copySecret('a new password', password, environment)
    else if (json) printJson({ password, bits: entropy })
    else print(password)
    if (remarksToTerminal() && !json)
      remark(`${entropy} bits of entropy: one of 2^${Math.floor(bits)} or more that were equally likely.`)
  },
})

interface Characters {
  readonly length?: string | undefined
  readonly 'no-symbols'?: boolean | undefined
}

function passwordOf({ length, 'no-symbols': noSymbols = false }: Characters) {
  const options = {
    length: length === undefined ? passwordLengths.default : wholeNumber('length', length, passwordLengths),
    symbols: !noSymbols,
  }
  return { password: generatePassword(options), bits: passwordBits(options) }
}

async function passphraseOf(
  count: number,
  separator: string,
  { length, 'no-symbols': noSymbols }: Characters,
) {
  if (length !== undefined || noSymbols !== undefined)
    throw new CliError('usage', '--length and --no-symbols are for passwords; leave them out with --words.')
  const { words } = await import('../words.ts')
  return generatePassphrase(words, count, separator)
}

export const derive = command({
  name: 'derive',
  operands: ['EMAIL'],
  summary: 'print request bodies for curl: what only a client can compute',
  details:
    'JSON with `register` (the body of POST /api/v1/register), `login` (of POST /api/v1/login), `item` (an example note, sealed for the new vault) and `edited` (the same note, edited). All of it is fresh at each run. Whoever has `login` can log in: keep it like a password.',
  example: 'limpet derive ada@example.com > bodies.json',
  options: {},
  async run(surroundings, [address = '']) {
    const email = emailFrom(address)
    const password = await newMasterPassword(surroundings, email)
    const { body, vaultKey } = await withProgress(
      'Deriving',
      () => prepareRegistration({ email, password }),
      {
        atOnce: true,
      },
    )
    const id = crypto.randomUUID()
    const sealNote = (notes: string) =>
      seal(
        vaultKey,
        itemAssociatedData(body.vault.id, id),
        encodeContent({ kind: 'note', name: 'Example', notes }),
      )
    printJson({
      register: body,
      login: { email: body.email, authKey: body.authKey, device: newDevice() },
      item: { id, data: await sealNote('Sealed by limpet derive') },
      edited: { data: await sealNote('Sealed by limpet derive, and edited') },
    })
  },
})
