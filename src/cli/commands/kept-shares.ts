// Commands about the one-time links that the account made: share list, receipt, revoke.
import { type KeptShare, ProblemError, type ShareReceipt, type UnlockedAccount } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { table } from '../../terminal/table.ts'
import { localTime, safeLine } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { isUnavailable } from '../failures.ts'
import { strangerShares, unlock } from '../session.ts'

const json = { type: 'boolean', help: 'prints JSON' } as const

const keptBy = (account: UnlockedAccount) =>
  withProgress('Asking the server', async () => (await account.keptShares()).list())

/** The token that comes with a share is enough: the server need not learn whose it is. */
const receiptOf = (share: KeptShare) => strangerShares(share.server).receipt(share)

const isForgotten = (error: unknown) => error instanceof ProblemError && error.code === 'not-found'

/** What became of a share; `forgotten` if the server does not know it any more, `unknown` if it does not answer. */
async function stateOf(share: KeptShare): Promise<ShareReceipt['state'] | 'forgotten' | 'unknown'> {
  try {
    return (await receiptOf(share)).state
  } catch (error) {
    if (isForgotten(error)) return 'forgotten'
    if (isUnavailable(error)) return 'unknown'
    throw error
  }
}

const askedAtOnce = 8

async function statesOf(shares: readonly KeptShare[]) {
  const states: Awaited<ReturnType<typeof stateOf>>[] = []
  for (let begin = 0; begin < shares.length; begin += askedAtOnce)
    states.push(...(await Promise.all(shares.slice(begin, begin + askedAtOnce).map(stateOf))))
  return states
}

export const list = command({
  name: 'share list',
  accountOnly: true,
  operands: [],
  summary: 'list the one-time links that you made on any device, and what became of them',
  details:
    'Shown are those that were made in a shell that was unlocked, until 30 days after their end. The links themselves are not kept: nobody can read a secret by this list.',
  example: 'limpet share list',
  options: { json },
  async run(surroundings, _operands, { json }) {
    const shares = await keptBy(await unlock(surroundings))
    const states = await withProgress('Asking what became of them', () => statesOf(shares))
    const described = shares.map((share, index) => ({ ...share, state: states[index] ?? 'unknown' }))
    if (json)
      return printJson(
        described.map(({ id, name, server, state, createdAt, expiresAt }) => ({
          id,
          name: name ?? null,
          server,
          state,
          createdAt,
          expiresAt,
        })),
      )
    if (described.length === 0) return remark('No link is kept. "limpet share" makes one.')
    print(
      ...table(
        ['NAME', 'STATE', 'MADE', 'EXPIRES', 'ID'],
        described.map(({ id, name = '', state, createdAt, expiresAt }) => [
          name,
          state,
          localTime(createdAt),
          localTime(expiresAt),
          id,
        ]),
      ),
    )
  },
})

/** The one link that is meant, by its id or its name. */
async function oneShare(surroundings: Surroundings, wanted: string): Promise<KeptShare> {
  const shares = await keptBy(await unlock(surroundings))
  const byId = shares.filter(({ id }) => id === wanted)
  const found = byId.length > 0 ? byId : shares.filter(({ name }) => name === wanted)
  const [share, ...others] = found
  if (!share)
    throw new CliError(
      'notFound',
      `There is no link "${safeLine(wanted)}". "limpet share list" shows what there is.`,
    )
  if (others.length > 0) {
    const ids = found.map(({ id, createdAt }) => `${id}  made ${localTime(createdAt)}`)
    throw new CliError('ambiguous', `Several links have this name; say which by its id:\n${ids.join('\n')}`)
  }
  return share
}

function explain(error: unknown): unknown {
  if (isForgotten(error))
    return new CliError('notFound', 'The server does not know the link any more: it ended long ago.')
  if (error instanceof ProblemError && error.code === 'share-consumed')
    return new CliError('notFound', 'The secret was already read, so that there is nothing to take back.')
  return error
}

const readable = (at: string | null) => (at === null ? '' : localTime(at))

export const receipt = command({
  name: 'share receipt',
  accountOnly: true,
  operands: ['ID_OR_NAME'],
  summary: 'show whether and when the secret of a one-time link was read',
  example: 'limpet share receipt "GitHub / password"',
  options: { json },
  async run(surroundings, [wanted = ''], { json }) {
    const share = await oneShare(surroundings, wanted)
    const found = await withProgress('Asking the server', () => receiptOf(share)).catch((error: unknown) => {
      throw explain(error)
    })
    if (json) return printJson(found)
    const lines: [string, string][] = [
      ['State', found.state],
      ['Made', readable(found.createdAt)],
      ['Expires', readable(found.expiresAt)],
      ['Read', readable(found.readAt)],
      ['Revoked', readable(found.revokedAt)],
    ]
    print(...lines.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(9)}${value}`))
  },
})

export const revoke = command({
  name: 'share revoke',
  accountOnly: true,
  operands: ['ID_OR_NAME'],
  summary: 'take a one-time link back, so that nobody can read its secret any more',
  example: 'limpet share revoke "GitHub / password"',
  options: {},
  async run(surroundings, [wanted = '']) {
    const share = await oneShare(surroundings, wanted)
    await withProgress('Taking it back', () => strangerShares(share.server).revoke(share)).catch(
      (error: unknown) => {
        throw explain(error)
      },
    )
    remark(`The link ${share.id} is taken back: nobody can read its secret any more.`)
  },
})
