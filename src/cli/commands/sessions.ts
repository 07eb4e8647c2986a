// Commands about where the account is logged in: sessions list, sessions end.
import type { UnlockedAccount } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { table } from '../../terminal/table.ts'
import { counted, localTime, safeLine } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { unlock } from '../session.ts'
import { endHolding } from '../unlock-keys.ts'

const listed = (account: UnlockedAccount) => withProgress('Asking the server', () => account.sessions())

type Sessions = Awaited<ReturnType<UnlockedAccount['sessions']>>

export const list = command({
  name: 'sessions list',
  accountOnly: true,
  operands: [],
  summary: 'list where the account is logged in: device, last use, and which session is this one',
  example: 'limpet sessions list',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  async run(surroundings, _operands, { json }) {
    const sessions = await listed(await unlock(surroundings))
    const newestFirst = sessions.toSorted((left, right) => right.lastUsedAt.localeCompare(left.lastUsedAt))
    if (json) return printJson(newestFirst)
    print(
      ...table(
        ['DEVICE', 'TYPE', 'LOGGED IN', 'LAST USED', '', 'ID'],
        newestFirst.map(({ device, createdAt, lastUsedAt, current, id }) => [
          device.name,
          device.type,
          localTime(createdAt),
          localTime(lastUsedAt),
          current ? 'this one' : '',
          id,
        ]),
      ),
    )
  },
})

/** The one session that is meant, by its id or by the name of its device. */
function oneSession(sessions: Sessions, wanted: string): Sessions[number] {
  const found = sessions.filter(({ id, device }) => id === wanted || device.name === wanted)
  const [session, ...others] = found
  if (!session)
    throw new CliError(
      'notFound',
      `There is no session "${safeLine(wanted)}". "limpet sessions list" shows what there is.`,
    )
  if (others.length > 0) {
    const ids = found.map(({ id, lastUsedAt }) => `${id}  last used ${localTime(lastUsedAt)}`)
    throw new CliError(
      'ambiguous',
      `Several sessions are of this device; say which by its id:\n${ids.join('\n')}`,
    )
  }
  return session
}

export const end = command({
  name: 'sessions end',
  accountOnly: true,
  operands: ['[ID_OR_DEVICE]'],
  summary: 'end a session elsewhere, all others, or all of them',
  details:
    'What the device has already stays on it, sealed under the master password. If a device is lost, docs/lost-device.md says what else to do. "limpet logout" ends this session.',
  example: 'limpet sessions end --others',
  options: {
    others: { type: 'boolean', help: 'ends every session but this one' },
    all: { type: 'boolean', help: 'ends every session, this one too' },
  },
  async run(surroundings, [wanted], { others = false, all = false }) {
    if ([wanted !== undefined, others, all].filter(Boolean).length !== 1)
      throw new CliError('usage', '"limpet sessions end" takes one of: a session, --others, --all.')
    const account = await unlock(surroundings)
    const sessions = await listed(account)
    const session = wanted === undefined ? undefined : oneSession(sessions, wanted)
    if (session) {
      await withProgress('Ending the session', () => account.endSession(session.id))
      remark(`Ended the session of "${safeLine(session.device.name)}".`)
    } else {
      await withProgress('Ending the sessions', () => account.endOtherSessions())
      remark(`Ended ${counted(sessions.filter(({ current }) => !current).length, 'other session')}.`)
    }
    const own = sessions.find(({ current }) => current)
    if (!own || (session && session.id !== own.id) || others) return
    if (all) await withProgress('Ending this session', () => account.endSession(own.id))
    await endHolding(surroundings)
    await surroundings.state.forget()
    remark('This session has ended too, and the copies here are removed. "limpet login EMAIL" is next.')
  },
})
