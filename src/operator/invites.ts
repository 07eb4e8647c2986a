// The operator's commands for invites: create, list, revoke.

import { days, minutes, seconds, systemClock } from '../clock.ts'
import { Email, line } from '../contract/primitives.ts'
import { toTimestamp, toTimestampOrNull } from '../domain/encoding.ts'
import {
  createInvite,
  findInvite,
  type ListedInvite,
  listInvites,
  newInviteCode,
  revokeInvite,
  stateOf,
} from '../domain/identity/invites.ts'
import { hashSecret } from '../domain/secret-hash.ts'
import { systemRandom } from '../random.ts'
import { duration } from '../terminal/command.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { print, printJson, remark } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'
import { localTime, safeLine } from '../terminal/text.ts'
import { command, json, onDatabase } from './command.ts'

const Note = line(200)

const minExpiry = minutes(1)
const maxExpiry = days(366)

function emailFrom(text: string): string {
  const email = Email.safeParse(text)
  if (email.success) return email.data
  throw new CliError('usage', `--email takes an e-mail address, not "${safeLine(text)}".`)
}

function noteFrom(text: string): string {
  const note = Note.safeParse(text)
  if (note.success) return note.data
  throw new CliError('usage', '--note takes one line of 1 to 200 characters.')
}

/** An invite for scripts. Its code is not here: only making it shows it. */
function inviteJson({ invite, usedByEmail }: ListedInvite, now: number) {
  const { id, email, note, createdAt, expiresAt, usedAt, usedBy, revokedAt } = invite
  return {
    id,
    state: stateOf(invite, now),
    email,
    note,
    createdAt: toTimestamp(createdAt),
    expiresAt: toTimestamp(expiresAt),
    usedAt: toTimestampOrNull(usedAt),
    usedBy: usedBy === null ? null : { id: usedBy, email: usedByEmail },
    revokedAt: toTimestampOrNull(revokedAt),
  }
}

const policyRemarks = {
  open: 'REGISTRATION is open: everybody may register, and invites are not asked for.',
  closed: 'REGISTRATION is closed: nobody may register, with an invite or without.',
  invite: undefined,
} as const

const noAddress = "For one of Bitwarden's apps, an invite has to name its address: --email."

/** How an invite is used with one of Bitwarden's apps, which have no place for a code. */
const appRemark = (
  email: string,
  code: string,
  { publicUrl, smtp }: { publicUrl: string; smtp: object | undefined },
) =>
  smtp
    ? `With one of Bitwarden's apps: register with ${email} at ${publicUrl}, and open the link in the mail that comes then.`
    : `With Bitwarden's web vault: ${publicUrl}/#/finish-signup?email=${encodeURIComponent(email)}&token=${code}&fromEmail=true`

export const create = command({
  name: 'invite create',
  operands: [],
  summary: 'make an invite, and print its code, this one time',
  details: 'A code is good for one registration. The server keeps a hash of it and cannot show it again.',
  example: 'limpet-server invite create --email ada@example.com --expires 2d',
  options: {
    email: { type: 'string', value: 'ADDRESS', help: 'only this address may register with it' },
    expires: { type: 'string', value: 'DURATION', help: 'until when: 1m to 366d; 7d unless said otherwise' },
    note: { type: 'string', value: 'TEXT', help: 'what it is for; shown in the list' },
    json,
  },
  async run(_surroundings, _operands, values) {
    const email = values.email === undefined ? null : emailFrom(values.email)
    const note = values.note === undefined ? null : noteFrom(values.note)
    const lasting = seconds(
      duration('expires', values.expires ?? '7d', {
        min: minExpiry / seconds(1),
        max: maxExpiry / seconds(1),
      }),
    )
    const code = newInviteCode(systemRandom)
    const createdAt = systemClock.now()
    const invite = { id: systemRandom.uuid(), email, note, createdAt, expiresAt: createdAt + lasting }
    await onDatabase(async (store, { bitwarden, publicUrl, registration, smtp }) => {
      await store.write((tx) => createInvite(tx, { ...invite, codeHash: hashSecret(code) }))
      const expiresAt = toTimestamp(invite.expiresAt)
      if (values.json)
        printJson({ id: invite.id, code, email, note, createdAt: toTimestamp(createdAt), expiresAt })
      else {
        print(code)
        remark(
          `Good for one registration until ${localTime(expiresAt)}: limpet register ${email ?? 'EMAIL'} --server ${publicUrl} --invite`,
        )
        if (bitwarden) remark(email === null ? noAddress : appRemark(email, code, { publicUrl, smtp }))
      }
      const policy = policyRemarks[registration]
      if (policy) remark(policy)
    })
  },
})

const stateText = ({ state, usedBy, usedAt }: ReturnType<typeof inviteJson>) =>
  state === 'used' && usedBy && usedAt ? `used by ${usedBy.email} on ${localTime(usedAt)}` : state

export const list = command({
  name: 'invite list',
  operands: [],
  summary: 'list invites with their state, newest first',
  details:
    'One that nobody used is listed until 90 days after its end; one that was used goes with its account.',
  example: 'limpet-server invite list --json',
  options: { json },
  async run(_surroundings, _operands, values) {
    const now = systemClock.now()
    const rows = await onDatabase((store) => store.read(listInvites))
    const invites = rows.map((row) => inviteJson(row, now))
    if (values.json) return printJson(invites)
    if (invites.length === 0) return remark('There are no invites. "limpet-server invite create" makes one.')
    print(
      ...table(
        ['ID', 'FOR', 'EXPIRES', 'STATE', 'NOTE'],
        invites.map((invite) => [
          invite.id,
          invite.email ?? 'anybody',
          localTime(invite.expiresAt),
          stateText(invite),
          invite.note ?? '',
        ]),
      ),
    )
  },
})

export const revoke = command({
  name: 'invite revoke',
  operands: ['ID'],
  summary: 'end an invite before anybody uses it',
  example: 'limpet-server invite revoke 7c9e6679-7425-40de-944b-e07fc1f90ae7',
  options: { json },
  async run(_surroundings, [id = ''], values) {
    const now = systemClock.now()
    const row = await onDatabase((store) =>
      store.write(async (tx) => {
        await revokeInvite(tx, id, now)
        return findInvite(tx, id)
      }),
    )
    if (!row)
      throw new CliError(
        'notFound',
        'There is no invite with this id. "limpet-server invite list" shows them.',
      )
    const invite = inviteJson(row, now)
    if (invite.state === 'used')
      throw new CliError(
        'conflict',
        `This invite was ${stateText(invite)}. "limpet-server users disable" keeps an account out.`,
      )
    if (values.json) return printJson(invite)
    remark(
      invite.state === 'expired'
        ? 'This invite has expired: nobody can use it.'
        : 'The invite is revoked: nobody can use it.',
    )
  },
})
