// Settings that are right in form and wrong for a server that others rely on.
import type { Config } from '../../server/config.ts'
import { error, type Finding, ok, warning } from './finding.ts'

const local = /^(localhost|127\.|\[::1\]|.*\.localhost$)/

export const isLocalUrl = (url: string) => local.test(new URL(url).hostname)

/** What Bitwarden's apps need of the settings beside BITWARDEN_API=on. */
function checkBitwarden({ bitwarden, publicUrl, registration, smtp }: Config): Finding[] {
  if (!bitwarden) return []
  const findings: Finding[] = []
  if (!publicUrl.startsWith('https:'))
    findings.push(
      error(
        'bitwarden',
        "PUBLIC_URL is http: Bitwarden's apps talk to no server without TLS.",
        'Put a proxy with TLS in front, and its https address into PUBLIC_URL.',
      ),
    )
  if (registration === 'invite' && !smtp)
    findings.push(
      warning(
        'bitwarden',
        "Nobody can register with Bitwarden's apps: they have no place for the code of an invite, and this server sends no mail.",
        'Set SMTP_URL: then an invite with --email is enough. Or use the link for the web vault that "limpet-server invite create" prints.',
      ),
    )
  return findings.length > 0 ? findings : [ok('bitwarden', "The settings suit Bitwarden's apps.")]
}

export function checkSettings(config: Config): Finding[] {
  const { production, publicUrl, rateLimits, trustProxy } = config
  const findings: Finding[] = []
  if (!production && !isLocalUrl(publicUrl))
    findings.push(
      warning(
        'settings',
        'NODE_ENV is not production.',
        'Set NODE_ENV=production, which asks for secrets of your own.',
      ),
    )
  if (!rateLimits)
    findings.push(
      error(
        'settings',
        'Rate limits are off: passwords can be guessed at any speed.',
        'Remove RATE_LIMITS=off.',
      ),
    )
  if (trustProxy.some((range) => range.endsWith('/0')))
    findings.push(
      error(
        'settings',
        'TRUST_PROXY trusts every address: any client can choose the address that is counted.',
        'Name the addresses of your proxies in TRUST_PROXY.',
      ),
    )
  const own = findings.length > 0 ? findings : [ok('settings', 'The settings are right.')]
  return [...own, ...checkBitwarden(config)]
}
