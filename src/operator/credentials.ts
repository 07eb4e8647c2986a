// The operator's commands for the encrypted credentials: init, get, show, edit, encrypt, decrypt.
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import {
  credentialsFileOf,
  emptyCredentials,
  openFile,
  readCredentials,
  readSealed,
  sealFile,
} from '../credentials/credentials.ts'
import { editText } from '../credentials/editing.ts'
import { environment } from '../credentials/environment.ts'
import { decrypt as decryptText, encrypt as encryptText, getSecret } from '../credentials/index.ts'
import { keyFileBeside, newMasterKey, parseMasterKey, readMasterKey } from '../credentials/master-key.ts'
import { openContent, purposeOfFile, sealContent } from '../credentials/sealed-text.ts'
import { systemRandom } from '../random.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { writeNewFile } from '../terminal/new-file.ts'
import { print, printBytes, printValue, remark } from '../terminal/output.ts'
import { safeLine } from '../terminal/text.ts'
import { command } from './command.ts'

const write = (file: string, text: string, force: boolean) =>
  writeNewFile(file, [Buffer.from(text)], { force })

/** The key for new credentials: the one that is given, or a new one in a file beside them. */
async function keyForInit(file: string) {
  const { LIMPET_MASTER_KEY, LIMPET_MASTER_KEY_FILE } = environment
  const keyFile = keyFileBeside(file)
  if (LIMPET_MASTER_KEY || LIMPET_MASTER_KEY_FILE || existsSync(keyFile))
    return { key: readMasterKey(file, environment), made: undefined }
  const text = newMasterKey(systemRandom.bytes(32))
  await write(keyFile, `${text}\n`, false)
  return { key: parseMasterKey(text, keyFile), made: keyFile }
}

export const init = command({
  name: 'credentials init',
  operands: [],
  summary: 'make an encrypted file for credentials, and its key; never overwrites',
  details:
    'The key is taken from LIMPET_MASTER_KEY, LIMPET_MASTER_KEY_FILE, or master.key beside the file, and made there where there is none.',
  example: 'limpet-server credentials init',
  options: {},
  async run() {
    const file = credentialsFileOf(environment)
    if (existsSync(file))
      throw new CliError(
        'conflict',
        `${safeLine(file)} is there already. "limpet-server credentials edit" changes it.`,
      )
    const { key, made } = await keyForInit(file)
    await write(file, sealFile(file, emptyCredentials, key), false)
    remark(`${file} is made. "limpet-server credentials edit" puts something into it.`)
    if (made)
      remark(
        `${made} is its key. Keep a copy elsewhere, and out of what you commit: without it nobody can open the file.`,
      )
  },
})

export const get = command({
  name: 'credentials get',
  operands: ['NAME'],
  summary: 'print one value of the credentials',
  details: 'Dots lead into mappings: backup.password.',
  example: 'PGPASSWORD="$(limpet-server credentials get postgres.password)" psql',
  options: {},
  async run(_surroundings, [name = '']) {
    printValue(getSecret(name))
  },
})

export const show = command({
  name: 'credentials show',
  operands: [],
  summary: 'print the credentials, as YAML',
  example: 'limpet-server credentials show',
  options: {},
  async run() {
    await printBytes(Buffer.from(readCredentials(environment)))
  },
})

export const edit = command({
  name: 'credentials edit',
  operands: [],
  summary: 'open the credentials in your editor, and encrypt them again',
  details:
    'The editor is VISUAL, EDITOR, or vi. It gets a file that only you can read, in memory where the system has such files; it is removed afterwards, also when the editor or this program is killed. What is not valid YAML is offered again.',
  example: 'EDITOR=nano limpet-server credentials edit',
  options: {},
  async run() {
    const file = credentialsFileOf(environment)
    const key = readMasterKey(file, environment)
    let known = readSealed(file)
    const changed = await editText(
      environment.VISUAL || environment.EDITOR || 'vi',
      openFile(file, known, key),
      async (edited) => {
        const now = readSealed(file)
        if (now !== known) {
          known = now
          const theirs = openFile(file, now, key)
          return {
            note: `Somebody else changed the credentials meanwhile. Theirs are below; take over what you want, and save.\n${theirs}`,
          }
        }
        await write(file, sealFile(file, edited, key), true)
        return undefined
      },
    )
    remark(changed ? `${file} is changed. Servers read it when they start.` : 'Nothing was changed.')
  },
})

/** Keys, certificates and settings are far below it. A file is sealed as a whole, in memory. */
const maxFileBytes = 16 * 1024 * 1024

/**
 * Reads a file whole.
 * @param maxBytes how large it may be
 * @throws CliError if it is no regular file, cannot be read, or is too large
 */
async function readWhole(file: string, maxBytes: number): Promise<Buffer> {
  const name = safeLine(file)
  const found = await stat(file).catch(() => undefined)
  if (found && !found.isFile()) throw new CliError('usage', `${name} is not a regular file.`)
  if (found && found.size > maxBytes)
    throw new CliError('usage', `${name} is too large: files of at most 16 MiB are encrypted.`)
  return readFile(file).catch(() => {
    throw new CliError('notFound', `${name} does not exist, or this user cannot read it.`)
  })
}

const masterKey = () => readMasterKey(credentialsFileOf(environment), environment)

export const encrypt = command({
  name: 'credentials encrypt',
  operands: ['[FILE]'],
  summary: 'encrypt FILE as FILE.enc, or standard input, under the master key',
  details:
    'FILE.enc is for its owner alone, opens under this name only, and FILE stays as it is. Without FILE standard input is taken as text and the result is printed.',
  example: 'limpet-server credentials encrypt tls.key',
  options: { force: { type: 'boolean', help: 'replaces FILE.enc if it exists' } },
  async run({ prompter }, [file], { force = false }) {
    if (file === undefined) {
      if (force) throw new CliError('usage', '--force goes with FILE.')
      print(encryptText(await prompter.text('The text to encrypt')))
      return
    }
    const target = `${file}.enc`
    const sealed = sealContent(
      masterKey(),
      purposeOfFile(target),
      await readWhole(file, maxFileBytes),
      systemRandom,
    )
    await write(target, `${sealed}\n`, force)
    remark(`${target} is made. ${file} is still there, in clear: remove it when you no longer need it.`)
  },
})

export const decrypt = command({
  name: 'credentials decrypt',
  operands: ['[FILE]'],
  summary: 'print what is in FILE, or standard input, that "credentials encrypt" made',
  details:
    'The bytes of a file are printed exactly; only a terminal gets a newline after them, and base64 in place of what is not plain text.',
  example: 'limpet-server credentials decrypt tls.key.enc | ssh-add -',
  options: {},
  async run({ prompter }, [file]) {
    if (file === undefined) {
      printValue(decryptText(await prompter.text('The text to decrypt')))
      return
    }
    // Base64url takes four characters for three bytes.
    const sealed = (await readWhole(file, 2 * maxFileBytes)).toString('latin1')
    await printBytes(openContent(masterKey(), purposeOfFile(file), sealed, file))
  },
})
