// What every page that is done in the browser has in common: one document, its policy, and the assets it loads.
import { z } from 'zod'
import { pagePaths } from '../../contract/paths.ts'
import { notFound } from '../../domain/failure.ts'
import { Asset } from '../../http/asset.ts'
import { html, type Part } from '../../http/html.ts'
import { Page, type PagePolicy } from '../../http/page.ts'
import { anyQuery } from '../../http/route.ts'
import { webAssets } from './assets.ts'
import { forEverybody, route } from './route.ts'

const policy = {
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self'",
  'connect-src': "'self'",
  // The scripts build elements and never parse HTML, so that a secret cannot become some.
  'require-trusted-types-for': "'script'",
  'trusted-types': "'none'",
}

/** All that the server itself says to people here, and so in every language. */
const needsScript = {
  en: 'This page encrypts and decrypts in your browser, for which it needs JavaScript. Nothing has been opened or lost. Switch JavaScript on and load the page again.',
  de: 'Diese Seite ver- und entschlüsselt in Ihrem Browser und braucht dafür JavaScript. Es wurde nichts geöffnet, und nichts ist verloren. Schalten Sie JavaScript ein und laden Sie die Seite neu.',
  es: 'Esta página cifra y descifra en tu navegador y para ello necesita JavaScript. No se ha abierto ni se ha perdido nada. Activa JavaScript y vuelve a cargar la página.',
  fr: 'Cette page chiffre et déchiffre dans votre navigateur et a besoin pour cela de JavaScript. Rien n’a été ouvert et rien n’est perdu. Activez JavaScript et rechargez la page.',
  nl: 'Deze pagina versleutelt en ontsleutelt in je browser en heeft daar JavaScript voor nodig. Er is niets geopend en niets verloren. Zet JavaScript aan en laad de pagina opnieuw.',
}

/** Deeper than the path of any page: beyond it an address would make an answer that is larger than itself. */
const deepest = 8

/** The way from a page to the server's root, whichever path a proxy has taken away before it. */
function toRoot(path: string): string {
  const depth = path.split('/', deepest + 3).length - 2
  if (depth > deepest) throw notFound()
  return '../'.repeat(depth) || './'
}

/**
 * A page that a script of `src/web` fills.
 * @param path under which it is asked for
 * @param options.data attributes for the script
 * @param options.policy in place of what every such page has
 */
export async function shell(
  path: string,
  { script, data, policy: more }: { script: string; data?: Part; policy?: PagePolicy },
): Promise<Page> {
  const assets = await webAssets()
  const root = toRoot(path)
  const address = (name: string) => `${root}assets/${assets.get(name)?.fileName}`
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Limpet</title>
<link rel="icon" href="${address('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${address('style.css')}">
<script type="module" src="${address(script)}"></script>
</head>
<body${data}>
<header><span class="brand"><img src="${address('icon.svg')}" alt="">Limpet</span></header>
<noscript>${Object.entries(needsScript).map(([language, text]) => html`<p lang="${language}">${text}</p>\n`)}</noscript>
<main></main>
</body>
</html>
`
  return new Page(page, { ...policy, ...more })
}

/** Throws `not-found` for a name that no asset has, or has no more. */
async function assetOf(fileName: string): Promise<Asset> {
  for (const asset of (await webAssets()).values()) if (asset.fileName === fileName) return asset.answer
  throw notFound()
}

const asset = route({
  ...forEverybody,
  path: pagePaths.asset,
  request: { query: anyQuery, params: z.object({ file: z.string() }) },
  success: { 200: z.instanceof(Asset) },
  handler: async ({ params: { file } }) => ({ status: 200, body: await assetOf(file) }),
})

/** What the pages load. */
export const assetRoutes = [asset]
