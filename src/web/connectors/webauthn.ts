// The pages that Bitwarden's apps open to have the browser ask a security key: in a frame of the app, from a phone, or in a tab beside an
// extension whose browser allows no such frame. What the key has signed goes back to the app, and nowhere else.
import { encodeBase64url } from '../../protocol/base64url.ts'
import { alertLine, complain } from '../kit/controls.ts'
import { h, say } from '../kit/dom.ts'
import { frame, show, showSentence } from '../kit/frame.ts'
import type { Message } from '../kit/language.ts'
import { type Parameters, readParameters } from './parameters.ts'

/** Where the apps of phones listen. No address in the query is taken for it. */
const phoneApp = 'bitwarden://webauthn-callback'

/** Of the pages of apps: no website has one of these schemes. */
const schemesOfApps = [
  'chrome-extension:',
  'moz-extension:',
  'safari-web-extension:',
  'bw-desktop-file:',
  'file:',
]

/**
 * Whether a page may have what the key signs: an app's, or the web vault beside this page. Any website can frame this page, and give it a
 * challenge of its own.
 */
function isApp(page: string): boolean {
  const url = URL.canParse(page) ? new URL(page) : undefined
  return url !== undefined && (url.origin === location.origin || schemesOfApps.includes(url.protocol))
}

const spelled = (bytes: ArrayBuffer) => encodeBase64url(new Uint8Array(bytes))

/** Has the browser ask the key. @returns what it signed, in the form that apps pass on */
async function askKey(publicKey: PublicKeyCredentialRequestOptions, signal: AbortSignal): Promise<string> {
  const credential = await navigator.credentials.get({ publicKey, signal })
  if (!(credential instanceof PublicKeyCredential)) throw new TypeError('Expected a credential')
  const { response } = credential
  if (!(response instanceof AuthenticatorAssertionResponse)) throw new TypeError('Expected an assertion')
  return JSON.stringify({
    id: credential.id,
    rawId: spelled(credential.rawId),
    type: credential.type,
    extensions: credential.getClientExtensionResults(),
    response: {
      authenticatorData: spelled(response.authenticatorData),
      clientDataJson: spelled(response.clientDataJSON),
      signature: spelled(response.signature),
    },
  })
}

/** How a page tells its app what happened. */
interface Ways {
  succeed(answer: string): void
  /** @param words as they are on the page */
  fail(words: string): void
}

/**
 * Shows a button that asks the key.
 * @param before what stands above it
 * @returns what asks the key at once, and what gives it up
 */
function showButton({ buttonText, headerText, request }: Parameters, ways: Ways, ...before: Node[]) {
  const idle: Message = (m) => buttonText ?? m.keyUse
  const button = h('button', { class: 'main', type: 'button' }, idle)
  const line = alertLine('problem')
  let asking: AbortController | undefined

  async function ask() {
    if (asking) return
    const own = new AbortController()
    asking = own
    say(line)
    say(button, (m) => m.keyAsking)
    button.setAttribute('aria-disabled', 'true')
    try {
      ways.succeed(await askKey(request, own.signal))
    } catch {
      if (own.signal.aborted) return
      complain(line, (m) => m.keyFailed, button)
      ways.fail(line.innerText)
    } finally {
      asking = undefined
      button.removeAttribute('aria-disabled')
      say(button, idle)
    }
  }

  button.addEventListener('click', () => void ask())
  show((m) => headerText ?? m.keyTitle, ...before, button, line)
  return { ask, stop: () => asking?.abort() }
}

const lead = () => h('p', { class: 'lead' }, (m) => m.keyLead)

const showInvalid = () =>
  showSentence(
    (m) => m.keyInvalidTitle,
    (m) => m.keyInvalid,
  )

/** In a frame of an extension, the desktop app or the web vault: it posts to the page that frames it. */
function startFramed(parameters: Parameters): void {
  const { parent: page } = parameters
  if (page === null || !isApp(page)) throw new TypeError('Expected the page of an app')
  const post = (kind: string, text: string) => parent.postMessage(`${kind}|${text}`, page)
  const { ask, stop } = showButton(parameters, {
    succeed: (answer) => post('success', answer),
    fail: (words) => post('error', words),
  })
  addEventListener('message', ({ data, source }) => {
    if (source !== parent) return
    if (data === 'stop') stop()
    if (data === 'start') void ask()
  })
  post('info', 'ready')
  // Safari asks nothing that nobody has clicked for.
  const isSafari = navigator.userAgent.includes(' Safari/') && !navigator.userAgent.includes('Chrome')
  if (!isSafari) void ask()
}

/** From a phone: it goes back to the app by its scheme, and leaves a link for browsers that do not let a page do that. */
function startPhone(parameters: Parameters): void {
  const back = (name: string, value: string) => {
    const address = `${phoneApp}?${name}=${encodeURIComponent(value)}`
    document.querySelector('#return')?.remove()
    const link = h('a', { id: 'return', href: address }, (m) => parameters.returnText ?? m.keyReturn)
    document.querySelector('main')?.append(h('p', {}, link))
    location.replace(address)
  }
  showButton(
    parameters,
    { succeed: (answer) => back('data', answer), fail: (words) => back('error', words) },
    lead(),
  )
}

/** In a tab of its own: the extension listens in the page itself. */
function startBeside(parameters: Parameters): void {
  const remember = h('input', { id: 'remember', type: 'checkbox' })
  const choice = h(
    'p',
    {},
    h(
      'label',
      { class: 'choice' },
      remember,
      ' ',
      h('span', {}, (m) => m.keyRemember),
    ),
  )
  const succeed = (data: string) => {
    postMessage({ command: 'webAuthnResult', data, remember: remember.checked }, location.origin)
    showSentence(
      (m) => m.keyDoneTitle,
      (m) => m.keyDone,
    )
  }
  showButton(parameters, { succeed, fail() {} }, lead(), choice)
}

const starts: ReadonlyMap<string, (parameters: Parameters) => void> = new Map([
  ['webauthn-mobile-connector.html', startPhone],
  ['webauthn-fallback-connector.html', startBeside],
])

frame()
const start = starts.get(location.pathname.split('/').at(-1) ?? '') ?? startFramed
try {
  start(readParameters(location.search))
} catch {
  showInvalid()
}
