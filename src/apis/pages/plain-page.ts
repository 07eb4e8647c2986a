// Pages of text without a script, and the stylesheet that they share.
import { pagePaths } from '../../contract/paths.ts'
import { Asset } from '../../http/asset.ts'
import { type Part, textPage } from '../../http/html.ts'
import { Page } from '../../http/page.ts'

/** The style is all that they load. */
export const plainPage = (title: string, body: Part): Page =>
  new Page(textPage(title, pagePaths.stylesheet, body), { 'style-src': "'self'" })

const css =
  Buffer.from(`:root { color-scheme: light dark; --ink: #1d2733; --paper: #fbfaf7; --soft: #6b7785; --line: #d9d5cb; --accent: #0b6e6e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #14191f; --soft: #96a2af; --line: #303a45; --accent: #5cc8c0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1rem 6rem; max-width: 56rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
a { color: var(--accent); }
h1 { font-size: 1.8rem; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2rem 0 .25rem; font-size: 1rem; }
code, pre, .method { font-family: ui-monospace, monospace; font-size: .9em; }
.method { display: inline-block; min-width: 4.2em; font-weight: 700; color: var(--accent); }
.path { overflow-wrap: anywhere; }
.soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; display: block; overflow-x: auto; }
td, th { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
ul.tree { list-style: none; margin: 0; padding-left: 1rem; border-left: 1px solid var(--line); }
nav ul { columns: 2 18rem; padding-left: 1rem; overflow-wrap: anywhere; }
`)

export const stylesheet: Asset = new Asset({ type: 'text/css; charset=utf-8', content: css })
