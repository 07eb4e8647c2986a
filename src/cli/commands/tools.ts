// Commands without a session: generate, derive.
import { encodeContent, itemAssociatedData, prepareRegistration, seal } from '../../sdk/index.ts'
import { wholeNumber } from '../../terminal/command.ts'
import { print, printJson } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { command } from '../command.ts'
import { generatePassword, passwordLengths } from '../passwords.ts'
import { newDevice } from '../state-folder.ts'
import { emailFrom, newMasterPassword } from './account.ts'

export const generate = command({
  name: 'generate',
  operands: [],
  summary: 'print a new random password',
  details: `Letters, digits and symbols, at least one of each, ${passwordLengths.default} characters unless said otherwise.`,
  example: 'limpet generate --length 32 --no-symbols',
  options: {
    length: {
      type: 'string',
      value: 'N',
      help: `${passwordLengths.min} to ${passwordLengths.max} characters`,
    },
    'no-symbols': { type: 'boolean', help: 'letters and digits only' },
    json: { type: 'boolean', help: 'prints JSON' },
  },
  async run(_surroundings, _operands, { length, 'no-symbols': noSymbols = false, json }) {
    const characters =
      length === undefined ? passwordLengths.default : wholeNumber('length', length, passwordLengths)
    const password = generatePassword({ length: characters, symbols: !noSymbols })
    if (json) printJson({ password })
    else print(password)
  },
})

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
