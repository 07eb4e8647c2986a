// The operator's commands for items of Bitwarden's apps, which show their owner no history: what was replaced, and one of it back.
import { systemClock } from '../clock.ts'
import { bringBack, listReplaced, type ReplacedBody } from '../domain/ciphers/history.ts'
import { toTimestamp } from '../domain/encoding.ts'
import { Failure } from '../domain/failure.ts'
import { findAccountById } from '../domain/identity/accounts.ts'
import type { Store } from '../store/store.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { print, printJson, remark } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'
import { localTime } from '../terminal/text.ts'
import { command, json, onDatabase } from './command.ts'
import { requireUser } from './users.ts'

/** How many replaced bodies are listed. */
const listed = 500

const bodyJson = (body: ReplacedBody) => ({
  itemId: body.itemId,
  version: body.revision,
  writtenAt: toTimestamp(body.writtenAt),
  replacedAt: toTimestamp(body.replacedAt),
  bytes: body.bytes,
})

/** The account, whose items are those of Bitwarden's apps. */
async function requireAppUser(store: Store, emailOrId: string) {
  const user = await requireUser(store, emailOrId)
  const account = await store.read((reader) => findAccountById(reader, user.id))
  if (account?.authMethod === 'bitwarden') return user
  throw new CliError(
    'usage',
    `${user.email} is no account of Bitwarden's apps. Its owner brings versions of an item back with a client.`,
  )
}

export const history = command({
  name: 'items history',
  operands: ['EMAIL_OR_ID'],
  summary:
    "list what was replaced in an account of Bitwarden's apps, last first; nothing of it is readable here",
  details: `It shows ${listed} at the most. The owner finds the id of an item in the address of the web vault, and in "bw list items".`,
  example: 'limpet-server items history ada@example.com',
  options: { json },
  async run(_surroundings, [emailOrId = ''], values) {
    await onDatabase(async (store) => {
      const { id, email } = await requireAppUser(store, emailOrId)
      const bodies = await store.read((reader) => listReplaced(reader, id, listed))
      if (values.json) return printJson(bodies.map(bodyJson))
      if (bodies.length === 0) return remark(`Nothing of ${email} was replaced.`)
      const rows = bodies.map(({ itemId, revision, writtenAt, replacedAt, bytes }) => [
        itemId,
        String(revision),
        localTime(toTimestamp(writtenAt)),
        localTime(toTimestamp(replacedAt)),
        bytes.toLocaleString('en'),
      ])
      print(...table(['ITEM', 'VERSION', 'WRITTEN', 'REPLACED', 'BYTES'], rows, { whole: ['ITEM'] }))
    })
  },
})

export const bringBackOne = command({
  name: 'items bring-back',
  operands: ['EMAIL_OR_ID', 'ITEM_ID', 'VERSION'],
  summary: "put a replaced version of an item back in an account of Bitwarden's apps",
  details:
    "What stands there now is kept as a version. The owner's apps load the item again. Make sure that it is the owner who asks.",
  example: 'limpet-server items bring-back ada@example.com 7d0a3c5e-0b0a-4c63-9a55-0f8d5b8f3a11 42',
  options: { json },
  async run(_surroundings, [emailOrId = '', itemId = '', version = ''], values) {
    const revision = /^[1-9]\d{0,14}$/.test(version) ? Number(version) : undefined
    if (revision === undefined)
      throw new CliError('usage', 'VERSION is a whole number, which "limpet-server items history" shows.')
    await onDatabase(async (store, config) => {
      const { id, email } = await requireAppUser(store, emailOrId)
      try {
        const place = { accountId: id, itemId, revision }
        await store.write((tx) => bringBack(tx, place, { now: systemClock.now(), config }))
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        throw new CliError(
          'notFound',
          error.code === 'not-found'
            ? 'There is no such version of such an item. "limpet-server items history" shows those there are.'
            : error.message,
        )
      }
      if (values.json) printJson({ id, email, itemId, version: revision })
      else remark(`The version is back in the account of ${email}.`)
    })
  },
})
