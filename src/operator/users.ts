// The operator's commands for the accounts of a server: list, disable, enable, delete.

import { systemClock } from '../clock.ts'
import { normalizeEmail } from '../contract/primitives.ts'
import { toTimestamp, toTimestampOrNull } from '../domain/encoding.ts'
import {
  disableAccount,
  enableAccount,
  findUserId,
  listUsers,
  resetSecondFactors,
  type User,
} from '../domain/identity/account-administration.ts'
import { removeAccount } from '../domain/identity/accounts.ts'
import type { Store } from '../store/store.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { print, printJson, remark } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'
import { counted, localTime, safeLine } from '../terminal/text.ts'
import { command, json, onDatabase, type Surroundings } from './command.ts'

const operands = ['EMAIL_OR_ID'] as const

/** An account for scripts. */
const userJson = (user: User) => ({
  id: user.id,
  email: user.email,
  kind: user.kind,
  createdAt: toTimestamp(user.createdAt),
  lastLoginAt: toTimestampOrNull(user.lastLoginAt),
  disabledAt: toTimestampOrNull(user.disabledAt),
  deletesAt: toTimestampOrNull(user.deletesAt),
  sessions: user.sessions,
  vaults: user.vaults,
  items: user.items,
  bytes: user.bytes,
  attachmentBytes: user.attachmentBytes,
})

const day = (time: number) => localTime(toTimestamp(time))

function stateOf({ disabledAt, deletesAt }: User): string {
  const state = disabledAt === null ? 'enabled' : `disabled since ${day(disabledAt)}`
  return deletesAt === null ? state : `${state}, goes on ${day(deletesAt)}`
}

const userRow = (user: User) => [
  user.email,
  user.kind,
  stateOf(user),
  day(user.createdAt),
  user.lastLoginAt === null ? 'never' : day(user.lastLoginAt),
  String(user.sessions),
  String(user.vaults),
  String(user.items),
  user.bytes.toLocaleString('en'),
  user.attachmentBytes.toLocaleString('en'),
  user.id,
]

export const list = command({
  name: 'users list',
  operands: [],
  summary: 'list accounts, oldest first, with what they have; nothing of it is readable here',
  example: 'limpet-server users list --json',
  options: { json },
  async run(_surroundings, _operands, values) {
    const users = await onDatabase((store) => store.read((reader) => listUsers(reader, systemClock.now())))
    if (values.json) return printJson(users.map(userJson))
    if (users.length === 0) return remark('There are no accounts.')
    const heading = [
      'E-MAIL',
      'KIND',
      'STATE',
      'CREATED',
      'LAST LOGIN',
      'SESSIONS',
      'VAULTS',
      'ITEMS',
      'BYTES',
      'FILES',
      'ID',
    ]
    print(...table(heading, users.map(userRow)))
  },
})

/** The account that an operand means, as it is now. */
export async function requireUser(store: Store, emailOrId: string): Promise<User> {
  const [user] = await store.read(async (reader) => {
    const id = await findUserId(reader, emailOrId)
    return id === undefined ? [] : listUsers(reader, systemClock.now(), id)
  })
  if (user) return user
  throw new CliError(
    'notFound',
    `There is no account "${safeLine(emailOrId)}". "limpet-server users list" shows those there are.`,
  )
}

export const disable = command({
  name: 'users disable',
  operands,
  summary: "end an account's sessions within a second, and let nobody log in to it",
  details:
    'A login is refused as with a wrong password. Nothing of the vault is touched; "users enable" lets its owner in again.',
  example: 'limpet-server users disable ada@example.com',
  options: { json },
  async run(_surroundings, [emailOrId = ''], values) {
    await onDatabase(async (store) => {
      const user = await requireUser(store, emailOrId)
      const changed = await store.write((tx) => disableAccount(tx, user.id, systemClock.now()))
      if (values.json) printJson(userJson(await requireUser(store, user.id)))
      else if (changed)
        remark(
          `${user.email} is disabled. ${counted(user.sessions, 'session')} ended; every server refuses them within a second.`,
        )
      else remark(`${user.email} was disabled already.`)
    })
  },
})

export const enable = command({
  name: 'users enable',
  operands,
  summary: 'let the owner of a disabled account log in again',
  details: 'The sessions from before stay ended.',
  example: 'limpet-server users enable ada@example.com',
  options: { json },
  async run(_surroundings, [emailOrId = ''], values) {
    await onDatabase(async (store) => {
      const user = await requireUser(store, emailOrId)
      await store.write((tx) => enableAccount(tx, user.id, systemClock.now()))
      if (values.json) printJson(userJson(await requireUser(store, user.id)))
      else if (user.disabledAt === null) remark(`${user.email} was enabled already.`)
      else remark(`${user.email} is enabled, and has to log in anew.`)
    })
  },
})

export const resetFactors = command({
  name: 'users reset-factors',
  operands,
  summary: 'remove the second factors of an account whose owner has lost them',
  details:
    'Its logins ask for the password alone again, and it stands in the security log. Make sure that it is the owner who asks.',
  example: 'limpet-server users reset-factors ada@example.com',
  options: { json },
  async run(_surroundings, [emailOrId = ''], values) {
    await onDatabase(async (store) => {
      const { id, email } = await requireUser(store, emailOrId)
      const removed = await store.write((tx) => resetSecondFactors(tx, id, systemClock.now()))
      if (values.json) printJson({ id, email, removed })
      else if (removed === 0) remark(`${email} had no second factor.`)
      else remark(`${email} logs in by the password alone: ${counted(removed, 'factor')} removed.`)
    })
  },
})

/** Asks for the address of what is to be deleted, so that the operator does not delete another one by mistake. */
async function confirmDeletion({ prompter }: Surroundings, user: User) {
  if (!prompter.interactive)
    throw new CliError(
      'usage',
      'There is no terminal at which to confirm this: --yes deletes without asking. Nothing was deleted.',
    )
  remark(
    `This deletes ${user.email} with ${counted(user.vaults, 'vault')} and ${counted(user.items, 'item')}, for good. Nobody can bring it back.`,
  )
  const typed = await prompter.line('Its e-mail address, to go on')
  if (normalizeEmail(typed) !== user.email)
    throw new CliError('usage', 'That is another address. Nothing was deleted.')
}

export const remove = command({
  name: 'users delete',
  operands,
  summary: 'delete an account with everything in it, for good',
  details: 'At a terminal it asks for the e-mail address once more.',
  example: 'limpet-server users delete ada@example.com',
  options: { yes: { type: 'boolean', help: 'does not ask' }, json },
  async run(surroundings, [emailOrId = ''], values) {
    await onDatabase(async (store) => {
      const user = await requireUser(store, emailOrId)
      if (!values.yes) await confirmDeletion(surroundings, user)
      await store.write((tx) => removeAccount(tx, user.id))
      if (values.json) printJson({ id: user.id, email: user.email, deleted: true })
      else remark(`${user.email} is deleted, with everything in it.`)
    })
  },
})
