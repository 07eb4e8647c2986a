// HTML as a template whose values are escaped, and a page as an answer with a policy of what it may load.
import type { Response } from 'express'

/** Text that stands in a page as it is. Only `html` makes it, and it escapes what it is given. */
export class Html {
  readonly text: string
  #bytes: Buffer | undefined

  constructor(text: string) {
    this.text = text
  }

  /** Made once: connections that read a page slowly share it. */
  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(this.text)
    return this.#bytes
  }
}

/** What may stand in a template: text is escaped, lists are joined, nothing is left out. */
export type Part = Html | Part[] | string | number | undefined

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function render(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.text
  if (Array.isArray(part)) return part.map(render).join('')
  return String(part).replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** A page, or a piece of one. Every value is escaped unless it is a piece itself. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]) =>
  new Html(strings.map((text, index) => text + render(parts[index])).join(''))

/** `code` in backticks, as it stands in summaries and descriptions, as <code>. */
export const prose = (text: string) =>
  text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))

/**
 * A page without scripts.
 *
 * @param stylesheet as the page addresses it
 */
export const textPage = (title: string, stylesheet: string, body: Part) =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>${title} · Limpet</title>
<link rel="stylesheet" href="${stylesheet}">
</head>
<body>
${body}
</body>
</html>
`

/** Names of a Content-Security-Policy with their sources. */
export type PagePolicy = Readonly<Record<string, string>>

/**
 * Answers with a page.
 *
 * @param policy what it may load or do beyond nothing at all
 */
export function sendPage(res: Response, page: Html, policy: PagePolicy = {}) {
  const directives = {
    'default-src': "'none'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
    ...policy,
  }
  const text = Object.entries(directives).map(([name, sources]) => `${name} ${sources}`)
  res.setHeader('Content-Security-Policy', text.join('; '))
  res.type('html').send(page.bytes)
}
