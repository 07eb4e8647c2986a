// The command that changes the master password: password.

import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { requireSession, unlockWithPassword } from '../session.ts'
import { newMasterPassword } from './account.ts'

export const password = command({
  name: 'password',
  accountOnly: true,
  operands: [],
  summary: 'change the master password; every other session ends, and so do personal access tokens',
  details:
    'Tokens end with the old password, because an attacker who knew it may have made one. The vaults stay as they are, and this session goes on.',
  example: 'limpet password',
  options: {
    'keep-tokens': { type: 'boolean', help: 'lets personal access tokens live on; prints which there are' },
    json: { type: 'boolean', help: 'prints which tokens ended and which live on, as JSON' },
  },
  async run(surroundings, _operands, { 'keep-tokens': keepTokens = false, json }) {
    const { email } = await requireSession(surroundings)
    const { account, password: current } = await unlockWithPassword(surroundings)
    const next = await newMasterPassword(surroundings, email)
    const { endedTokens, keptTokens } = await withProgress(
      'Changing the password',
      () => account.changePassword({ current, next, keepTokens }),
      { atOnce: true },
    )
    const named = (tokens: typeof endedTokens) => tokens.map(({ id, name }) => ({ id, name }))
    if (json) return printJson({ endedTokens: named(endedTokens), keptTokens: named(keptTokens) })
    remark('The master password was changed, and every other session ended.')
    const tokens = keepTokens ? keptTokens : endedTokens
    if (tokens.length === 0) return
    remark(`${counted(tokens.length, 'personal access token')} ${keepTokens ? 'still good' : 'ended'}:`)
    print(...tokens.map(({ id, name }) => `${id}  ${safeLine(name)}`))
  },
})
