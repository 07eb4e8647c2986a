// Commands that spare typing the master password in one shell: unlock, lock.
import { encodeBase64url, newKey, seal, unlockAssociatedData } from '../../sdk/index.ts'
import { print, printsToTerminal, remark } from '../../terminal/output.ts'
import { command } from '../command.ts'
import { requireSession, unlockWithPassword } from '../session.ts'

export const unlock = command({
  name: 'unlock',
  accountOnly: true,
  operands: [],
  summary: 'ask for the master password once for all commands of this shell',
  details:
    'Prints a line for the shell to evaluate. The key in it is nowhere else: what stays on disk opens nothing without it.',
  example: 'eval "$(limpet unlock)"',
  options: {},
  async run(surroundings) {
    const { state } = surroundings
    const { accountId } = await requireSession(surroundings)
    // Always the password, and never the key that this shell may still have from last time.
    const { account } = await unlockWithPassword(surroundings)
    const key = newKey()
    const accountKey = await seal(key, unlockAssociatedData(accountId), account.exportKey())
    await state.unlock.save({ accountId, accountKey, accountKeyVersion: account.accountKeyVersion })
    print(`export LIMPET_UNLOCK_KEY='${encodeBase64url(key)}'`)
    if (printsToTerminal())
      remark(
        'The line above is for the shell: run eval "$(limpet unlock)" instead, so that nobody reads it here.',
      )
    else remark('Unlocked for the shell that evaluates this output. "limpet lock" ends it.')
  },
})

export const lock = command({
  name: 'lock',
  operands: [],
  summary: 'forget what "limpet unlock" left; its key opens nothing any more',
  example: 'limpet lock; unset LIMPET_UNLOCK_KEY',
  options: {},
  async run({ state, environment }) {
    await state.unlock.clear()
    remark(environment.LIMPET_UNLOCK_KEY ? 'Locked. Also run: unset LIMPET_UNLOCK_KEY' : 'Locked.')
  },
})
