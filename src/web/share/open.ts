// The page that opens a one-time link. Looking is a HEAD; reading takes a click, so that no scanner of links can do it.
import { decryptFernet } from '../../protocol/fernet.ts'
import { formatShareLink, parseShareLink, type ShareLink, shareKeys } from '../../protocol/share-link.ts'
import { NetworkError } from '../../sdk/errors.ts'
import type { Connection } from '../../sdk/request.ts'
import { acknowledge, connectTo, lookAt, type Outlook, reveal } from '../kit/api.ts'
import { alertLine, complain, passphraseField, whileBusy } from '../kit/controls.ts'
import { h, say } from '../kit/dom.ts'
import { asksForPassphrase, endOf, setbackOf } from '../kit/failures.ts'
import { canEncrypt, frame, show, showNoCrypto, showSentence } from '../kit/frame.ts'
import type { Message } from '../kit/language.ts'
import { claimOn, forgetClaim } from './claim.ts'
import { showSecret } from './shown.ts'

const linkOf = (address: string): ShareLink | undefined => {
  try {
    return parseShareLink(address)
  } catch {
    return undefined
  }
}

/** Reads the secret and takes it out of the server. @throws OpenError, ProblemError or NetworkError */
async function read(
  connection: Connection,
  { id, key }: ShareLink,
  { claim, passphrase }: { claim: string; passphrase: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const { fernetKey, proof } = await shareKeys(key, passphrase || undefined)
  return decryptFernet(fernetKey, await reveal(connection, id, { proof, claim }))
}

/** A link that is corrected in the address bar changes only what stands after "#", which alone loads nothing anew. */
const reload = () => location.reload()

/** The view before the click. */
function showDoor(connection: Connection, link: ShareLink, outlook: Promise<Outlook>): void {
  const claim = claimOn(link.id)
  const line = alertLine('problem')
  const { element: field, input } = passphraseField(
    (m) => m.passphrase,
    (m) => m.passphraseHint,
  )
  field.hidden = true
  const lead = h('p', { class: 'lead' }, (m) => m.openLead)
  let label: Message = (m) => m.show
  const button = h('button', { class: 'main' }, label)

  function askForPassphrase(message: Message) {
    field.hidden = false
    complain(line, message, input)
    input.select()
  }

  function onFailure(error: unknown) {
    addEventListener('hashchange', reload)
    const end = endOf(error)
    if (end) return showSentence(...end)
    if (asksForPassphrase(error))
      return askForPassphrase(input.value ? (m) => m.wrongPassphrase : (m) => m.passphraseNeeded)
    if (error instanceof NetworkError) label = (m) => m.tryAgain
    complain(line, setbackOf(error))
  }

  async function open() {
    say(line)
    if ((await outlook) === 'passphrase' && !input.value) return askForPassphrase((m) => m.passphraseNeeded)
    // A page that is loaded anew from here on would have to ask again, and within a minute.
    removeEventListener('hashchange', reload)
    showSecret(await read(connection, link, { claim, passphrase: input.value }))
    // The key is of no more use, and the address stays in the browser's history.
    history.replaceState(null, '', location.pathname)
    // Without it the server forgets after a minute.
    await acknowledge(connection, link.id, claim).then(
      () => forgetClaim(link.id),
      () => {},
    )
  }

  const form = h('form', {}, field, button, line)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    whileBusy(button, [(m) => label(m), (m) => m.opening], () => open().catch(onFailure))
  })
  show((m) => m.openTitle, lead, form)

  outlook.then((known) => {
    field.hidden = known !== 'passphrase'
    if (known !== 'gone') return
    label = (m) => m.askWhich
    show(
      (m) => m.goneTitle,
      h('p', { class: 'lead' }, (m) => m.gone),
      form,
    )
    if (button.getAttribute('aria-disabled') !== 'true') say(button, label)
  })
}

frame()
addEventListener('hashchange', reload)
const link = linkOf(location.href)
if (!canEncrypt()) showNoCrypto()
else if (!link)
  showSentence(
    (m) => m.damagedTitle,
    (m) => m.damaged,
  )
else {
  // "%23" in place of "#" puts the key into the path, and with it into the next request for this page.
  history.replaceState(null, '', formatShareLink(link))
  const connection = connectTo(link.server)
  showDoor(connection, link, lookAt(connection, link.id))
}
