// The pages that links of mails open: confirming an address, having an account deleted, and keeping it. Each takes a click, so that
// no scanner of mail can do it.
import { pagePaths } from '../../contract/paths.ts'
import { encodedLength, linkTokenBytes } from '../../contract/sizes.ts'
import { NetworkError, ProblemError } from '../../sdk/errors.ts'
import type { Connection } from '../../sdk/request.ts'
import { confirmEmail, connectTo, keepAccount, startDeletion } from '../kit/api.ts'
import { alertLine, complain, whileBusy } from '../kit/controls.ts'
import { h } from '../kit/dom.ts'
import { setbackOf } from '../kit/failures.ts'
import { formatTime } from '../kit/format.ts'
import { frame, show, showSentence } from '../kit/frame.ts'
import type { Message } from '../kit/language.ts'

const tokenForm = new RegExp(`^[\\w-]{${encodedLength(linkTokenBytes)}}$`)

interface Page {
  readonly title: Message
  readonly lead: Message
  readonly button: Message
  readonly doneTitle: Message
  /** Does what the link is for. @returns what to say of it */
  act(connection: Connection, token: string): Promise<Message>
}

const confirmPage: Page = {
  title: (m) => m.confirmTitle,
  lead: (m) => m.confirmLead,
  button: (m) => m.confirm,
  doneTitle: (m) => m.confirmedTitle,
  async act(connection, token) {
    await confirmEmail(connection, token)
    return (m) => m.confirmed
  },
}

const pages: ReadonlyMap<string, Page> = new Map<string, Page>([
  [
    pagePaths.deleteAccount,
    {
      title: (m) => m.deleteTitle,
      lead: (m) => m.deleteLead,
      button: (m) => m.delete,
      doneTitle: (m) => m.deletingTitle,
      async act(connection, token) {
        const at = await startDeletion(connection, token)
        return (m) => m.deleting(formatTime(at))
      },
    },
  ],
  [
    pagePaths.keepAccount,
    {
      title: (m) => m.keepTitle,
      lead: (m) => m.keepLead,
      button: (m) => m.keep,
      doneTitle: (m) => m.keptTitle,
      async act(connection, token) {
        await keepAccount(connection, token)
        return (m) => m.kept
      },
    },
  ],
])

const showInvalid = () =>
  showSentence(
    (m) => m.confirmInvalidTitle,
    (m) => m.confirmInvalid,
  )

/** What a server says that has nothing to do with the link; anything else of its kind is an end too. */
const endOf = (code: string): Message | undefined => {
  if (code === 'invalid-invite' || code === 'invite-required') return (m) => m.confirmNoInvite
  return code === 'registration-closed' ? (m) => m.confirmClosed : undefined
}

function complainOf(error: unknown, line: HTMLElement): void {
  const code = error instanceof ProblemError ? error.code : ''
  const end = endOf(code)
  if (code === 'invalid-confirmation' || code === 'id-taken' || code === 'account-deletion-off') showInvalid()
  else if (end) showSentence((m) => m.confirmInvalidTitle, end)
  else complain(line, error instanceof NetworkError ? (m) => m.confirmUnanswered : setbackOf(error))
}

function showButton(page: Page, token: string): void {
  const line = alertLine('problem')
  const button = h('button', { class: 'main' }, page.button)
  const form = h('form', {}, button, line)

  async function act() {
    const done = await page.act(connectTo(new URL('.', location.href).href.replace(/\/$/, '')), token)
    history.replaceState(null, '', location.pathname)
    showSentence(page.doneTitle, done)
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    whileBusy(button, [page.button, (m) => m.confirming], () =>
      act().catch((error: unknown) => complainOf(error, line)),
    )
  })
  show(page.title, h('p', { class: 'lead' }, page.lead), form)
}

frame()
const token = location.hash.slice(1)
const page = pages.get(`/${location.pathname.split('/').at(-1)}`) ?? confirmPage
if (tokenForm.test(token)) showButton(page, token)
else showInvalid()
