// The page that makes one-time links. The secret leaves it encrypted or not at all.
import { shareTtl } from '../../contract/sizes.ts'
import { encryptFernet } from '../../protocol/fernet.ts'
import { PasswordRefusedError, refuseUnassigned } from '../../protocol/password.ts'
import { newShareKey, shareKeys } from '../../protocol/share-link.ts'
import { NetworkError, ProblemError } from '../../sdk/errors.ts'
import { connectTo, makeShare } from '../kit/api.ts'
import { alertLine, complain, passphraseField, whileBusy } from '../kit/controls.ts'
import { h, say } from '../kit/dom.ts'
import { formatDuration } from '../kit/format.ts'
import { canEncrypt, frame, show, showNoCrypto, showSentence } from '../kit/frame.ts'
import type { Message } from '../kit/language.ts'
import { showMade } from './made.ts'
import { hasFiles, secretField } from './secret-field.ts'

const week = shareTtl.default
const lifetimes = [3600, 86_400, week, shareTtl.max]

/** Relative to the page, which may be below a path that a proxy takes away. */
const connection = connectTo(new URL('.', location.href).href.replace(/\/$/, ''))

function lifetimeField(): { element: HTMLElement; seconds(): number } {
  const choices = lifetimes.map((seconds) => {
    const radio = h('input', { type: 'radio', name: 'ttl', id: `ttl-${seconds}`, checked: seconds === week })
    const label = h('label', { for: radio.id, class: 'button pill' }, () => formatDuration(seconds))
    return { seconds, radio, label }
  })
  const legend = h('legend', {}, (m) => m.lifetime)
  const pills = h('div', { class: 'pills' }, ...choices.flatMap(({ radio, label }) => [radio, label]))
  return {
    element: h('fieldset', {}, legend, pills),
    seconds: () => choices.find(({ radio }) => radio.checked)?.seconds ?? week,
  }
}

function whyNotMade(error: unknown): Message {
  if (error instanceof NetworkError) return (m) => m.makeUnanswered
  if (error instanceof PasswordRefusedError) return (m) => m.passphraseRefused
  if (!(error instanceof ProblemError)) return (m) => m.unexpected
  switch (error.code) {
    case 'too-many-requests':
      return (m) => m.makeTooMany(formatDuration(error.retryAfter || 60))
    case 'shares-off':
      return (m) => m.sharesOff
    case 'not-authenticated':
      return (m) => `${m.accountsOnly} limpet share`
    case 'too-large':
      return (m) => m.makeTooLarge
    default:
      return (m) => m.unexpected
  }
}

async function make(secret: Uint8Array, passphrase: string, ttl: number): Promise<void> {
  refuseUnassigned(passphrase, 'passphrase')
  const key = newShareKey()
  const { fernetKey, proof } = await shareKeys(key, passphrase || undefined)
  const ciphertext = await encryptFernet(fernetKey, secret)
  const made = await makeShare(connection, { ciphertext, proof, ttl, passphrase: passphrase !== '' })
  const link = `${made.page}#${key}`
  showMade(connection, { ...made, link, hasPassphrase: passphrase !== '' }, showForm)
}

function showForm(): void {
  const line = alertLine('problem')
  const secret = secretField()
  const lifetime = lifetimeField()
  const passphrase = passphraseField(
    (m) => m.newPassphrase,
    (m) => m.newPassphraseHint,
  )
  const labels = [(m) => m.make, (m) => m.making] satisfies [Message, Message]
  const button = h('button', { class: 'main' }, labels[0])
  const form = h('form', {}, secret.element, lifetime.element, passphrase.element, button, line)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const bytes = secret.bytes()
    if (!bytes) return
    say(line)
    whileBusy(button, labels, () =>
      make(bytes, passphrase.input.value, lifetime.seconds()).catch((error: unknown) =>
        complain(line, whyNotMade(error)),
      ),
    )
  })
  show(
    (m) => m.createTitle,
    h('p', { class: 'lead' }, (m) => m.createLead),
    form,
    h(
      'p',
      { class: 'foot' },
      h('a', { href: 'docs' }, (m) => m.forPrograms),
    ),
  )
}

// A file that misses the field would replace the page, and with it what is written there.
for (const name of ['dragover', 'drop'] as const)
  addEventListener(name, (event) => {
    if (hasFiles(event)) event.preventDefault()
  })

frame()
if (document.body.dataset.shares === 'accounts')
  showSentence(
    (m) => m.createTitle,
    (m) => m.accountsOnly,
    h('pre', { class: 'command' }, 'limpet share'),
  )
else if (!canEncrypt()) showNoCrypto()
else showForm()
