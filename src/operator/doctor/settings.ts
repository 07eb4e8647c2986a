// Settings that are right in form and wrong for a server that others rely on.
import type { Config } from '../../server/config.ts'
import { error, type Finding, ok, warning } from './finding.ts'

const local = /^(localhost|127\.|\[::1\]|.*\.localhost$)/

export const isLocalUrl = (url: string) => local.test(new URL(url).hostname)

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
  return findings.length > 0 ? findings : [ok('settings', 'The settings are right.')]
}
