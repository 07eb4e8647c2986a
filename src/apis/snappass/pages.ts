// The pages of SnapPass mode: a link that was made, a secret before and after it is shown, and none. No script.
import { html, type Part, textPage } from '../../http/html.ts'
import { Page, type PagePolicy } from '../../http/page.ts'

/** Everything is addressed relative to the page: a proxy may have put it under a prefix. */
const page = (title: string, body: Part, policy: PagePolicy = {}) =>
  new Page(textPage(title, 'docs/style.css', html`<h1>${title}</h1>\n${body}`), {
    'style-src': "'self'",
    ...policy,
  })

export const linkPage = (link: string): Page =>
  page(
    'The link is ready',
    html`<p><input id="password-link" value="${link}" readonly aria-label="Link" size="80"></p>
<p>Copy it and send it to the person who needs the secret. It opens once: do not try it yourself.</p>`,
  )

export const previewPage: Page = page(
  'Somebody sent you a secret',
  html`<p>It can be shown once. Show it when you are ready to copy it.</p>
<form method="post"><button id="revealSecret">Show the secret</button></form>`,
  { 'form-action': "'self'" },
)

/** Parsers of HTML drop a line feed after the tag and turn what is left of a carriage return into one. */
const exactText = (text: string) => [
  '\n',
  text.split('\r').map((part, index) => [index ? html`&#13;` : undefined, part]),
]

/** Without the browser's spell check, which may send the text to another company. */
export const secretPage = (password: string): Page =>
  page(
    'Here is your secret',
    html`<p><textarea id="password-text" readonly rows="8" cols="80" spellcheck="false" autocomplete="off" aria-label="Secret">${exactText(password)}</textarea></p>
<p>Copy it now. It has been deleted from the server, and this link does not open again.</p>`,
  )

export const gonePage: Page = page(
  'There is no secret here',
  html`<ul>
<li>Was the link cut short? Copy it again, up to its last character. Nothing was lost.</li>
<li>Was it opened before, or is it old? A secret is shown once, and only until its time runs out. Ask the sender for a new link.</li>
<li>Did nobody of you open it? Tell the sender: somebody else may have read it.</li>
</ul>`,
)
