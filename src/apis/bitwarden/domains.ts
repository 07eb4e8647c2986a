// Equivalent domains: sites of one company, where apps offer the same logins. Well-known groups, which an owner can switch off by their
// number, and groups of the owner's own.
import { z } from 'zod'
import { bitwardenAccountPaths } from '../../contract/bitwarden-paths.ts'
import { type BitwardenRow, getBitwardenAccount } from '../../domain/identity/bitwarden-accounts.ts'
import { changeSettings } from '../../domain/identity/bitwarden-settings.ts'
import { anyQuery } from '../../http/route.ts'
import { route } from './route.ts'
import { caseless } from './wire.ts'

/** The place in the list is the number, which accounts keep: append, and take none away. Each shares one login among its domains. */
const wellKnown = [
  ['google.com', 'youtube.com', 'gmail.com'],
  ['apple.com', 'icloud.com'],
  [
    'microsoft.com',
    'live.com',
    'outlook.com',
    'hotmail.com',
    'office.com',
    'office365.com',
    'microsoftonline.com',
    'xbox.com',
    'bing.com',
    'skype.com',
    'msn.com',
    'azure.com',
  ],
  [
    'amazon.com',
    'amazon.ca',
    'amazon.co.jp',
    'amazon.co.uk',
    'amazon.com.au',
    'amazon.com.be',
    'amazon.com.br',
    'amazon.com.mx',
    'amazon.com.tr',
    'amazon.de',
    'amazon.es',
    'amazon.fr',
    'amazon.in',
    'amazon.it',
    'amazon.nl',
    'amazon.pl',
    'amazon.se',
    'amazon.sg',
    'audible.com',
    'goodreads.com',
  ],
  ['facebook.com', 'messenger.com'],
  ['x.com', 'twitter.com'],
  ['yahoo.com', 'flickr.com'],
  [
    'ebay.com',
    'ebay.at',
    'ebay.be',
    'ebay.ca',
    'ebay.ch',
    'ebay.co.uk',
    'ebay.com.au',
    'ebay.de',
    'ebay.es',
    'ebay.fr',
    'ebay.ie',
    'ebay.it',
    'ebay.nl',
    'ebay.pl',
  ],
  [
    'wikipedia.org',
    'wikimedia.org',
    'wiktionary.org',
    'wikidata.org',
    'wikibooks.org',
    'wikisource.org',
    'wikivoyage.org',
    'mediawiki.org',
  ],
  [
    'stackoverflow.com',
    'stackexchange.com',
    'superuser.com',
    'serverfault.com',
    'askubuntu.com',
    'mathoverflow.net',
  ],
  ['atlassian.com', 'bitbucket.org', 'trello.com'],
  ['paypal.com', 'paypal.me'],
  ['steampowered.com', 'steamcommunity.com'],
  ['dropbox.com', 'getdropbox.com'],
  ['proton.me', 'protonmail.com', 'protonvpn.com'],
  ['mozilla.org', 'firefox.com'],
  ['adobe.com', 'behance.net'],
  ['sony.com', 'playstation.com', 'sonyentertainmentnetwork.com'],
  ['blizzard.com', 'battle.net', 'battlenet.com.cn'],
  ['epicgames.com', 'unrealengine.com', 'fortnite.com'],
  ['reddit.com', 'redd.it'],
  ['discord.com', 'discordapp.com'],
  ['docker.com', 'docker.io'],
  ['wordpress.com', 'automattic.com', 'gravatar.com'],
  ['intuit.com', 'quickbooks.com', 'turbotax.com'],
  ['bankofamerica.com', 'merrilledge.com', 'ml.com'],
  ['chase.com', 'jpmorgan.com'],
  ['citi.com', 'citibank.com', 'citibankonline.com', 'citicards.com'],
  ['booking.com', 'kayak.com'],
  ['expedia.com', 'hotels.com', 'vrbo.com'],
  ['disney.com', 'disneyplus.com', 'espn.com', 'go.com'],
  ['nytimes.com', 'theathletic.com'],
  ['autodesk.com', 'tinkercad.com'],
  ['zoho.com', 'zoho.eu'],
  ['zoom.us', 'zoom.com'],
  ['wise.com', 'transferwise.com'],
  ['oracle.com', 'java.com'],
  ['lenovo.com', 'motorola.com'],
  ['mi.com', 'xiaomi.com'],
  ['yandex.com', 'yandex.ru', 'ya.ru'],
  ['alibaba.com', 'aliexpress.com', 'alipay.com', 'taobao.com', 'tmall.com', 'alibabacloud.com'],
  [
    'mercadolibre.com',
    'mercadolibre.com.ar',
    'mercadolibre.com.mx',
    'mercadolivre.com.br',
    'mercadopago.com',
  ],
] as const

const [mostGroups, mostDomains, longestDomain, mostBytes] = [500, 500, 253, 32 * 1024]

const Groups = z.array(z.array(z.string()))
const Numbers = z.array(z.number())

const isExcluded = ({ excludedGlobalDomains }: BitwardenRow) => {
  const excluded = new Set(
    excludedGlobalDomains === null ? [] : Numbers.parse(JSON.parse(excludedGlobalDomains)),
  )
  return (type: number) => excluded.has(type)
}

/**
 * The equivalent domains of an account.
 * @param options.all whether the groups that its owner has switched off are among them; `sync` leaves them out
 */
export function domainsOf(own: BitwardenRow, { all }: { readonly all: boolean }) {
  const excludes = isExcluded(own)
  const groups = wellKnown.map((domains, type) => ({ type, domains: [...domains], excluded: excludes(type) }))
  return {
    equivalentDomains: own.equivalentDomains === null ? [] : Groups.parse(JSON.parse(own.equivalentDomains)),
    globalEquivalentDomains: all ? groups : groups.filter(({ excluded }) => !excluded),
    object: 'domains' as const,
  }
}

const Domains = z.object({
  equivalentDomains: Groups,
  globalEquivalentDomains: z.array(
    z.object({ type: z.int(), domains: z.array(z.string()), excluded: z.boolean() }),
  ),
  object: z.literal('domains'),
})

const GivenGroups = z
  .array(z.array(z.string().trim().min(1).max(longestDomain)).max(mostDomains))
  .max(mostGroups)
  .refine(
    (groups) => JSON.stringify(groups).length <= mostBytes,
    `The domains take more than the ${mostBytes / 1024} KiB that are allowed`,
  )

const readDomains = route({
  method: 'get',
  path: bitwardenAccountPaths.domains,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery },
  success: { 200: Domains },
  async handler({ caller }, { store }) {
    const { own } = await store.read((reader) => getBitwardenAccount(reader, caller))
    return { status: 200, body: domainsOf(own, { all: true }) }
  },
})

const changeDomains = (method: 'put' | 'post') =>
  route({
    method,
    path: bitwardenAccountPaths.domains,
    auth: 'account',
    limit: 'write',
    bodyBounds: { values: 5000 },
    request: {
      query: anyQuery,
      body: caseless({
        equivalentDomains: GivenGroups.nullish(),
        excludedGlobalEquivalentDomains: z.array(z.int().min(0).max(1000)).max(1000).nullish(),
      }),
    },
    success: { 200: Domains },
    async handler({ body, caller }, services) {
      const { own } = await changeSettings(
        caller,
        {
          equivalentDomains: body.equivalentDomains ?? [],
          excludedGlobalDomains: body.excludedGlobalEquivalentDomains ?? [],
        },
        services,
      )
      return { status: 200, body: domainsOf(own, { all: true }) }
    },
  })

export const domainRoutes = [readDomains, changeDomains('put'), changeDomains('post')]
