// What `add` and `edit` change of an item's content: options, answers to questions, and the rules between them.
import { type ItemContent, type ItemKind, requireItemContent, withPreviousPassword } from '../sdk/index.ts'
import { wholeNumber } from '../terminal/command.ts'
import { CliError } from '../terminal/exit-codes.ts'
import type { Prompter } from '../terminal/prompter.ts'
import { safeLine } from '../terminal/text.ts'
import {
  type Draft,
  memberNamed,
  removeMember,
  requireByHand,
  requireRemovable,
  secretNames,
  setMember,
} from './item-members.ts'
import { isEncryptedPem, type KeyType, keyTypes, newOpenSshKey, openSshKey, readPem } from './openssh-key.ts'
import { generatePassword, passwordLengths } from './passwords.ts'
import { publicKeyOf } from './ssh-keys.ts'

export const editOptions = {
  username: { type: 'string', value: 'NAME', help: 'user name of a login' },
  url: { type: 'string', value: 'URL', multiple: true, help: 'where a login is used; may be repeated' },
  generate: {
    type: 'boolean',
    help: 'makes the password of a login, or an SSH key; --generate=32 says how long',
  },
  'key-type': {
    type: 'string',
    value: keyTypes.join('|'),
    help: 'of the generated SSH key; ed25519 if it is left out',
  },
  length: { type: 'string', value: 'N', help: 'length of the generated password' },
  'no-symbols': { type: 'boolean', help: 'generates letters and digits only' },
  folder: { type: 'string', value: 'NAME', help: 'the folder that it is in' },
  tag: { type: 'string', value: 'TAG', multiple: true, help: 'a tag; may be repeated' },
  favourite: { type: 'boolean', help: 'marks it as a favourite' },
  set: {
    type: 'string',
    value: 'MEMBER=VALUE',
    multiple: true,
    help: 'a member of the kind, or a field of your own',
  },
  'set-secret': {
    type: 'string',
    value: 'MEMBER',
    multiple: true,
    help: 'asks for a secret member or a hidden field',
  },
  vault: { type: 'string', value: 'NAME', help: 'the vault, where there are several' },
  json: { type: 'boolean', help: 'prints the item as JSON, without secrets' },
  reveal: { type: 'boolean', help: 'with --json: secrets too' },
} as const

/** The values of `editOptions`, and those that `edit` has beside them. */
export interface EditValues {
  readonly name?: string | undefined
  readonly unset?: string[] | undefined
  readonly username?: string | undefined
  readonly url?: string[] | undefined
  readonly generate?: boolean | undefined
  readonly length?: string | undefined
  readonly 'no-symbols'?: boolean | undefined
  readonly 'key-type'?: string | undefined
  readonly folder?: string | undefined
  readonly tag?: string[] | undefined
  readonly favourite?: boolean | undefined
  readonly set?: string[] | undefined
  readonly 'set-secret'?: string[] | undefined
}

function parseSet(text: string): { name: string; value: string } {
  const at = text.indexOf('=')
  if (at < 1) throw new CliError('usage', '--set takes MEMBER=VALUE, such as --set brand=Visa.')
  const [name, value] = [text.slice(0, at), text.slice(at + 1)]
  if (secretNames.has(name.toLowerCase()))
    throw new CliError(
      'usage',
      `"${safeLine(name)}" is a secret, and arguments can be read by others on this machine. Use --set-secret ${safeLine(name)}, which asks for it.`,
    )
  return { name, value }
}

/** The options, checked as far as they can be before anything is asked or sent. */
export class Edits {
  readonly #values: EditValues
  readonly #set: readonly { name: string; value: string }[]
  readonly #generated: (() => string) | undefined
  readonly #keyType: KeyType | undefined

  constructor(values: EditValues) {
    this.#values = values
    this.#set = (values.set ?? []).map(parseSet)
    const { length, generate } = values
    if (length !== undefined && !generate) throw new CliError('usage', '--length goes with --generate.')
    const characters =
      length === undefined ? passwordLengths.default : wholeNumber('length', length, passwordLengths)
    this.#keyType = keyTypes.find((type) => type === values['key-type'])
    if (values['key-type'] !== undefined && !this.#keyType)
      throw new CliError('usage', `--key-type takes ${keyTypes.join(' or ')}.`)
    if (generate)
      this.#generated = () => generatePassword({ length: characters, symbols: !values['no-symbols'] })
  }

  get isEmpty(): boolean {
    return Object.values(this.#values).every((value) => value === undefined)
  }

  /** Refuses what does not fit the kind, before anything is asked. */
  check(kind: ItemKind) {
    const { username, url, generate, length, 'no-symbols': noSymbols } = this.#values
    const ofLogins = {
      username,
      url,
      ...(kind !== 'ssh-key' && { generate }),
      length,
      'no-symbols': noSymbols,
    }
    const misplaced = Object.entries(ofLogins).find(([, value]) => value !== undefined)
    if (this.#keyType && (kind !== 'ssh-key' || !generate))
      throw new CliError('usage', '--key-type goes with the kind ssh-key and --generate.')
    if (misplaced && kind !== 'login')
      throw new CliError(
        'usage',
        `--${misplaced[0]} is for logins; this is a ${kind}. --set adds a field of your own.`,
      )
    for (const { name } of this.#set) requireByHand(kind, name)
    for (const name of this.#values['set-secret'] ?? []) requireByHand(kind, name)
    for (const name of this.#values.unset ?? []) requireRemovable(kind, name)
  }

  /**
   * Asks for the secrets: those of `--set-secret` in their order, after those that are asked anyway. Notes come last, since
   * they take the rest of the input.
   */
  async ask(kind: ItemKind, always: readonly string[], prompter: Prompter): Promise<Map<string, string>> {
    const explicit = this.#values['set-secret'] ?? []
    const made = kind === 'ssh-key' ? 'privateKey' : 'password'
    const anyway = this.#generated ? always.filter((name) => name !== made) : always
    const asked = [...anyway, ...explicit].map((name) => memberNamed(kind, name) ?? name)
    const names = [...new Set(asked)]
    const answers = new Map<string, string>()
    // A field of one's own may be called like a member of another kind.
    const isMember = (name: string) => memberNamed(kind, name) !== undefined
    const whole = names.filter((name) => isMember(name) && Object.hasOwn(textsOfLines, name))
    if (whole.length > 1)
      throw new CliError(
        'usage',
        `Each of ${whole.join(' and ')} takes all of the input. Set one after the other.`,
      )
    for (const name of names.filter((name) => !whole.includes(name))) {
      const answer = await prompter.secret((isMember(name) && labels[name]) || name, {
        twice: name === 'password',
      })
      if (answer !== '') answers.set(name, answer)
      else if (explicit.includes(name))
        throw new CliError('usage', `Nothing was given for "${safeLine(name)}". To remove it, use --unset.`)
    }
    for (const name of whole) answers.set(name, await prompter.text(textsOfLines[name] ?? name))
    const privateKey = answers.get('privateKey')
    if (kind === 'ssh-key' && privateKey) answers.set('privateKey', await inOpenSshForm(privateKey, prompter))
    if (kind === 'ssh-key' && this.#generated)
      answers.set('privateKey', (await newOpenSshKey(this.#keyType ?? 'ed25519')).privateKey)
    return answers
  }

  /** A new private key brings its public key along, unless that is said too. A public key of before would be another one. */
  #takeKey(draft: Draft, privateKey: string) {
    const publicKey = publicKeyOf(privateKey)
    // ssh refuses a key without its last line break.
    draft.privateKey = `${privateKey.trim()}\n`
    if (this.#set.some(({ name }) => name.toLowerCase() === 'publickey')) return
    if (publicKey === undefined) delete draft.publicKey
    else draft.publicKey = publicKey
  }

  /** The content after the edits; members that nobody here knows stay, and a password that was replaced is kept among the previous ones. */
  apply(content: ItemContent, secrets: ReadonlyMap<string, string>): ItemContent {
    const { name, username, url, folder, tag, favourite } = this.#values
    const draft: Draft = {
      ...content,
      ...Object.fromEntries(
        Object.entries({ name, username, urls: url, folder, tags: tag, favourite }).filter(
          ([, value]) => value !== undefined,
        ),
      ),
      fields: content.fields ?? [],
    }
    for (const unwanted of this.#values.unset ?? []) removeMember(draft, content.kind, unwanted)
    for (const { name, value } of this.#set) setMember(draft, content.kind, name, value, false)
    for (const [name, value] of secrets) setMember(draft, content.kind, name, value, true)
    if (this.#generated && content.kind !== 'ssh-key') draft.password = this.#generated()
    const privateKey = secrets.get('privateKey')
    if (content.kind === 'ssh-key' && privateKey) this.#takeKey(draft, privateKey)
    const { fields, ...rest } = draft
    const next = requireItemContent(fields.length > 0 ? draft : rest)
    const isForgotten = (this.#values.unset ?? []).some(
      (name) => memberNamed(content.kind, name) === 'previousPasswords',
    )
    return isForgotten ? next : withPreviousPassword(content, next, new Date().toISOString())
  }
}

/**
 * A private key as OpenSSH reads it. One in another form of PEM is converted, and its passphrase is asked for on a terminal; without
 * one, an encrypted key stays as it is. Throws CliError for a wrong passphrase, and for a type that SSH does not take.
 */
async function inOpenSshForm(text: string, prompter: Prompter): Promise<string> {
  const isEncrypted = isEncryptedPem(text)
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(text) || /BEGIN OPENSSH/.test(text)) return text
  if (isEncrypted && !prompter.interactive) return text
  const passphrase = isEncrypted ? await prompter.secret('Passphrase of the key') : undefined
  const key = readPem(text, passphrase)
  if (!key && isEncrypted)
    throw new CliError('wrongPassword', 'The passphrase does not open the key. Nothing was written.')
  if (!key) return text
  const { privateKey } = openSshKey(key) ?? {}
  if (privateKey === undefined)
    throw new CliError(
      'usage',
      `SSH takes no key of this type (${key.asymmetricKeyType}). --generate in place of the file makes one of Ed25519. Nothing was written.`,
    )
  return privateKey
}

/** Members of several lines: each takes the rest of the input. */
const textsOfLines: Readonly<Record<string, string>> = {
  notes: 'Text of the note',
  privateKey: 'Private key, the text of its file',
}

const labels: Readonly<Record<string, string>> = {
  password: 'Password of the login',
  number: 'Card number',
  code: 'Card code',
}
