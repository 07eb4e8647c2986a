// After a link was made: the link itself, whether it was read, and taking it back.
import { ProblemError } from '../../sdk/errors.ts'
import type { Connection } from '../../sdk/request.ts'
import { type MadeShare, receiptFor, revoke as revokeShare } from '../kit/api.ts'
import { copyButton } from '../kit/controls.ts'
import { h, say } from '../kit/dom.ts'
import { formatTime } from '../kit/format.ts'
import { show } from '../kit/frame.ts'
import type { Message } from '../kit/language.ts'
import { qrCode } from '../kit/qr.ts'

const pollMs = 4000

export interface Made extends MadeShare {
  readonly link: string
  readonly hasPassphrase: boolean
}

/** What the receipt says, and whether that is the end of it. */
async function stateOf(connection: Connection, made: Made): Promise<{ said: Message; isOver: boolean }> {
  const receipt = await receiptFor(connection, made)
  const at = (time: Date | undefined) => formatTime(time ?? made.expiresAt)
  switch (receipt.state) {
    case 'read':
      return { said: (m) => m.read(at(receipt.readAt)), isOver: true }
    case 'expired':
      return { said: (m) => m.expired(at(receipt.expiresAt)), isOver: true }
    case 'revoked':
      return { said: (m) => m.revoked(at(receipt.revokedAt)), isOver: true }
    default:
      return { said: (m) => m.pending(at(receipt.expiresAt)), isOver: false }
  }
}

/** A line that says what has become of the link, and the button that revokes it for as long as that is possible. */
function receiptOf(connection: Connection, made: Made): { element: HTMLElement; stop(): void } {
  const state = h('p', { class: 'state', 'aria-live': 'polite', tabindex: '-1' })
  const revoke = h('button', { type: 'button' }, (m) => m.revoke)
  const keepOpen = h('p', { class: 'soft' }, (m) => m.keepOpen)
  let shown: string | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false

  /** Only what has changed is said again, for it is read out. */
  function tell(kind: string, message: Message) {
    if (kind !== shown) say(state, message)
    shown = kind
  }

  function end() {
    isOver = true
    const hadFocus = document.activeElement === revoke
    revoke.hidden = true
    keepOpen.hidden = true
    if (hadFocus) state.focus()
  }

  async function ask() {
    try {
      const current = await stateOf(connection, made)
      tell(current.isOver ? 'over' : 'pending', current.said)
      if (current.isOver) end()
    } catch (error) {
      const isGone = error instanceof ProblemError && error.code === 'not-found'
      tell(isGone ? 'gone' : 'unanswered', isGone ? (m) => m.receiptGone : (m) => m.receiptUnanswered)
      if (isGone) end()
    }
  }

  /** Asks now and then, while the page can be seen. */
  async function poll() {
    clearTimeout(timer)
    if (isOver || document.hidden) return
    await ask()
    clearTimeout(timer)
    if (!isOver) timer = setTimeout(poll, pollMs)
  }

  revoke.addEventListener('click', async () => {
    try {
      await revokeShare(connection, made)
    } catch (error) {
      // Too late is no failure: the receipt says what happened instead.
      if (!(error instanceof ProblemError)) return tell('unrevoked', (m) => m.revokeUnanswered)
    }
    await poll()
  })
  document.addEventListener('visibilitychange', poll)
  tell('pending', (m) => m.pending(formatTime(made.expiresAt)))
  timer = setTimeout(poll, pollMs)
  return {
    element: h('section', { class: 'receipt' }, state, revoke, keepOpen),
    stop() {
      isOver = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', poll)
    },
  }
}

/** @param again makes another */
export function showMade(connection: Connection, made: Made, again: () => void): void {
  const link = h('code', { id: 'link', class: 'link' }, made.link)
  const [copy, copied] = copyButton((m) => m.copyLink, made.link, link)
  copy.classList.add('main')
  const receipt = receiptOf(connection, made)
  const another = h('button', { type: 'button' }, (m) => m.makeAnother)
  another.addEventListener('click', () => {
    receipt.stop()
    again()
  })
  show(
    (m) => m.madeTitle,
    h('p', { class: 'lead' }, (m) => m.madeLead),
    ...(made.hasPassphrase ? [h('p', { class: 'lead' }, (m) => m.madePassphrase)] : []),
    h(
      'section',
      { class: 'handover', 'aria-label': (m) => m.link },
      h('div', {}, link, copy, copied),
      qrCode(made.link),
    ),
    receipt.element,
    another,
  )
}
