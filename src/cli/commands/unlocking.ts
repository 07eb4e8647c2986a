// Commands that spare typing the master password in one shell: unlock, lock.
import { print, printsToTerminal, remark } from '../../terminal/output.ts'
import { counted } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { requireSession, unlockWithPassword } from '../session.ts'
import { stayingOptions, stayUnlocked, unlocksSession } from '../staying-unlocked.ts'
import { endHolding, forgetUnlockKey, makeUnlockKey } from '../unlock-keys.ts'

export const unlock = command({
  name: 'unlock',
  accountOnly: true,
  operands: [],
  summary: 'ask for the master password once, for all commands of this login session or of one shell',
  details:
    'On a terminal, a process of yours keeps the key in memory, for every shell of this login session; with --keychain the keychain of the system does. In eval "$(limpet unlock)", it prints a line for the shell instead. The key in that line is nowhere else: what stays on disk opens nothing without it. Each shell gets a key of its own, which ends with "limpet lock", with "limpet logout", or when no command has used it for a week.',
  example: 'eval "$(limpet unlock)"',
  options: stayingOptions,
  async run(surroundings, _operands, values) {
    const { state } = surroundings
    await requireSession(surroundings)
    // Always the password, and never the key that this shell may still have from last time.
    const { account } = await unlockWithPassword(surroundings)
    const isAsked = values.agent || values.keychain || values.idle !== undefined
    const isForSession = isAsked || (printsToTerminal() && (await unlocksSession(surroundings, values)))
    if (isForSession) return stayUnlocked(surroundings, account, values)
    // What this shell had before serves nobody any more.
    await forgetUnlockKey(surroundings)
    print(`export LIMPET_UNLOCK_KEY='${await makeUnlockKey(state, account)}'`)
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
  summary: 'end what keeps this login session and this shell unlocked; --all does so for every shell',
  example: 'limpet lock; unset LIMPET_UNLOCK_KEY',
  options: { all: { type: 'boolean', help: 'locks every other shell too' } },
  async run(surroundings, _operands, { all }) {
    const { state, environment } = surroundings
    const ended = [await forgetUnlockKey(surroundings), await endHolding(surroundings)]
    if (all) await state.unlock.clearAll()
    await state.lastLock.note()
    remark(all || ended.includes(true) ? 'Locked.' : 'This shell was not unlocked.')
    if (environment.LIMPET_UNLOCK_KEY) remark('Also run: unset LIMPET_UNLOCK_KEY')
    const others = await state.unlock.count()
    if (others > 0)
      remark(
        `${counted(others, 'other shell')} ${others === 1 ? 'stays' : 'stay'} unlocked; "limpet lock --all" locks every one.`,
      )
  },
})
