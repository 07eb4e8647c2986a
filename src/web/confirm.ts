// The page that the link of a confirmation mail opens. Confirming takes a click, so that no scanner of mail can do it.
import { confirmEmail, NetworkError, ProblemError } from './api.ts'
import { alertLine, complain, whileBusy } from './controls.ts'
import { h } from './dom.ts'
import { setbackOf } from './failures.ts'
import { frame, show, showSentence } from './frame.ts'

const tokenForm = /^[\w-]{72}$/

const showInvalid = () =>
  showSentence(
    (m) => m.confirmInvalidTitle,
    (m) => m.confirmInvalid,
  )

function showButton(token: string): void {
  const line = alertLine('problem')
  const button = h('button', { class: 'main' }, (m) => m.confirm)
  const form = h('form', {}, button, line)

  async function confirm() {
    await confirmEmail(new URL('.', location.href).href.replace(/\/$/, ''), token)
    history.replaceState(null, '', location.pathname)
    showSentence(
      (m) => m.confirmedTitle,
      (m) => m.confirmed,
    )
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    whileBusy(button, [(m) => m.confirm, (m) => m.confirming], () =>
      confirm().catch((error: unknown) => {
        if (error instanceof ProblemError && error.code === 'invalid-confirmation') showInvalid()
        else complain(line, error instanceof NetworkError ? (m) => m.confirmUnanswered : setbackOf(error))
      }),
    )
  })
  show(
    (m) => m.confirmTitle,
    h('p', { class: 'lead' }, (m) => m.confirmLead),
    form,
  )
}

frame()
const token = location.hash.slice(1)
if (tokenForm.test(token)) showButton(token)
else showInvalid()
