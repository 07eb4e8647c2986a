// The server as clients reach it: whether it answers under PUBLIC_URL, by which TLS, with whose address and at which time.

import { existsSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { connect, type PeerCertificate } from 'node:tls'
import type { z } from 'zod'
import { days, seconds, systemClock } from '../../clock.ts'
import { operatorPaths, serverPaths } from '../../contract/paths.ts'
import { ServerInfo } from '../../contract/server.ts'
import { Reflection, reflectionHeader, reflectionToken } from '../../domain/reflection.ts'
import { deriveServerKeys } from '../../domain/server-keys.ts'
import { type Config, localUrl } from '../../server/config.ts'
import { presentJwtSecret, presentOpaqueSetup } from '../../server/own-secrets.ts'
import { version } from '../../version.ts'
import { checkClock } from './database.ts'
import { error, type Finding, ok, unseen, warning } from './finding.ts'
import { isLocalUrl } from './settings.ts'

const patience = seconds(5)

/** For documentation (RFC 5737): no machine has this address. */
const forgedAddress = '192.0.2.77'

interface Handshake {
  readonly protocol: string | null
  /** Why the certificate is not trusted, such as CERT_HAS_EXPIRED; null where it is. */
  readonly mistrust: string | null
  readonly certificate: PeerCertificate
}

/** Looks at the certificate, trusted or not; nothing is sent. */
const shakeHands = (url: URL) =>
  new Promise<Handshake>((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const socket = connect({
      host,
      port: Number(url.port || 443),
      servername: /^[\d.]+$|:/.test(host) ? '' : host,
      rejectUnauthorized: false,
      timeout: patience,
    })
    socket.once('timeout', () => socket.destroy(new Error('No answer')))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      const mistrust = socket.authorized ? null : String(socket.authorizationError)
      resolve({ protocol: socket.getProtocol(), mistrust, certificate: socket.getPeerCertificate() })
      socket.destroy()
    })
  })

async function checkTls(publicUrl: string): Promise<Finding[]> {
  const url = new URL(publicUrl)
  if (url.protocol === 'http:')
    return isLocalUrl(publicUrl)
      ? [ok('tls', 'PUBLIC_URL is on this machine, where no TLS is needed.')]
      : [
          error(
            'tls',
            'PUBLIC_URL is http: everybody on the way sees sessions and can change the pages that decrypt.',
            'Put a proxy with TLS in front, and its https address into PUBLIC_URL.',
          ),
        ]
  let handshake: Handshake
  try {
    handshake = await shakeHands(url)
  } catch {
    return [
      error(
        'tls',
        `${url.host} does not take TLS connections from here.`,
        'Is the proxy running, and is the port open?',
      ),
    ]
  }
  const { certificate, mistrust, protocol } = handshake
  const left = Math.floor((Date.parse(certificate.valid_to) - systemClock.now()) / days(1))
  const trusted = mistrust
    ? error(
        'tls',
        `The certificate of ${url.host} is not trusted here (${mistrust}).`,
        'Renew it, or send its whole chain. Of a certificate authority of your own, NODE_EXTRA_CA_CERTS names the file.',
      )
    : left < 14
      ? warning('tls', `The certificate of ${url.host} ends in ${left} days.`, 'See why it was not renewed.')
      : ok('tls', `The certificate of ${url.host} is good for ${left} days.`)
  const modern =
    protocol === 'TLSv1.3' || protocol === 'TLSv1.2'
      ? ok('tls-protocol', `${protocol}.`)
      : warning(
          'tls-protocol',
          `${protocol ?? 'An old protocol'} is outdated.`,
          'Allow TLS 1.2 and 1.3 only.',
        )
  return [trusted, modern]
}

const ask = (config: Config, path: string, headers: Record<string, string> = {}) =>
  fetch(`${config.publicUrl}${path}`, { headers, redirect: 'manual', signal: AbortSignal.timeout(patience) })

async function checkServer(config: Config): Promise<Finding[]> {
  let answer: Response
  const began = systemClock.now()
  try {
    answer = await ask(config, serverPaths.server)
  } catch {
    return [
      error(
        'server',
        `Nothing answers at ${config.publicUrl} from here.`,
        'Is the server running, and does PUBLIC_URL name it? From inside a network the outer address may not be reachable: then ask from outside.',
      ),
    ]
  }
  const now = (began + systemClock.now()) / 2
  const info = ServerInfo.safeParse(await answer.json().catch(() => undefined))
  if (!info.success)
    return [
      error(
        'server',
        `${config.publicUrl} answers ${answer.status}, and not as Limpet does.`,
        'Does the proxy hand everything below PUBLIC_URL to the server?',
      ),
    ]
  const server =
    info.data.version === version
      ? ok('server', `Limpet ${version} answers at ${config.publicUrl}.`)
      : warning(
          'server',
          `Limpet ${info.data.version} answers at ${config.publicUrl}, and this is ${version}.`,
          'Run the same version everywhere.',
        )
  const date = Date.parse(answer.headers.get('date') ?? '')
  // The header has whole seconds, and counts from their beginning.
  return Number.isNaN(date)
    ? [server]
    : [server, checkClock('server-clock', "The server's clock", date + seconds(0.5) - now, seconds(3))]
}

/** Asks the server which address it sees for a client that forges X-Forwarded-For. */
async function checkProxy(config: Config): Promise<Finding> {
  const [secret, setup] = [presentJwtSecret(config), presentOpaqueSetup(config)]
  const skipped = (why: string) =>
    warning('proxy', why, 'Run this with the environment of the server, once it answers at PUBLIC_URL.')
  if (secret === undefined || setup === undefined)
    return skipped('How addresses are seen cannot be asked without the secrets of the server.')
  const token = reflectionToken(deriveServerKeys(secret, setup).reflections, systemClock.now())
  const answer = await ask(config, operatorPaths.reflection, {
    [reflectionHeader]: token,
    'X-Forwarded-For': forgedAddress,
  }).then(
    (response) => response.json(),
    () => undefined,
  )
  const reflection = Reflection.safeParse(answer)
  return reflection.success
    ? judgeReflection(reflection.data)
    : skipped(
        'The server does not tell how it sees addresses: it is away, of another version, or has other secrets.',
      )
}

/** What it means how the server saw a request whose X-Forwarded-For was forged. */
export function judgeReflection({ address, peer, forwardedFor }: z.infer<typeof Reflection>): Finding {
  if (address === forgedAddress)
    return error(
      'proxy',
      'Any client can choose the address that is counted and logged: the server believes a forged X-Forwarded-For.',
      'Let the proxy set X-Forwarded-For instead of adding to it (nginx: proxy_set_header X-Forwarded-For $remote_addr), and name only proxies in TRUST_PROXY.',
    )
  const isBehindProxy = forwardedFor !== forgedAddress
  if (isBehindProxy && address === peer)
    return warning(
      'proxy',
      `There is a proxy in front, at ${peer}, and TRUST_PROXY does not name it: everybody counts as one address.`,
      `Add ${peer.replace(/^::ffff:/, '')}, or the network that it is in, to TRUST_PROXY.`,
    )
  return isBehindProxy
    ? ok('proxy', `The server sees through its proxy, and you as ${address}.`)
    : ok('proxy', 'No proxy is in front, or none that sets X-Forwarded-For; a forged one is not believed.')
}

/** Whether Limpet answers at its own port, past every proxy: as it does within a container, from which no outer address leads back. */
async function answersHere(config: Config): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(patience)
    const answer = await fetch(`${localUrl(config)}${serverPaths.server}`, { redirect: 'manual', signal })
    return ServerInfo.safeParse(await answer.json()).success
  } catch {
    return false
  }
}

/** Whether a TCP connection to the host and port of PUBLIC_URL comes about. */
const takesConnections = (publicUrl: string) =>
  new Promise<boolean>((resolve) => {
    const { hostname, port, protocol } = new URL(publicUrl)
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connectTcp({ host, port: Number(port || (protocol === 'https:' ? 443 : 80)) })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(patience, () => end(false))
    socket.once('error', () => end(false))
    socket.once('connect', () => end(true))
  })

export interface PublicCheckup {
  readonly findings: readonly Finding[]
  /** Whether a server answered, at PUBLIC_URL or at its own port. */
  readonly serves: boolean
}

/** Made by Docker and by Podman in every container. */
const inContainer = () => ['/.dockerenv', '/run/.containerenv'].some((file) => existsSync(file))

/** @param isInside whether this is a container, from which outer addresses often lead nowhere */
export async function checkPublicUrl(config: Config, isInside = inContainer()): Promise<PublicCheckup> {
  const { publicUrl } = config
  const isHere = await answersHere(config)
  if (isInside && isHere && publicUrl.startsWith('https:') && !(await takesConnections(publicUrl)))
    return {
      serves: true,
      findings: [
        ok('server', `Limpet answers at ${localUrl(config)}.`),
        unseen(
          'tls',
          `${publicUrl} cannot be reached from here, which is within a container. So its certificate, its proxy and the address that clients have are not looked at.`,
          `Look from outside: curl --fail ${publicUrl}${serverPaths.readiness}`,
        ),
      ],
    }
  const tls = await checkTls(publicUrl)
  const server = await checkServer(config)
  const reached = server.every(({ check, status }) => check !== 'server' || status !== 'error')
  const findings = [...tls, ...server, ...(reached ? [await checkProxy(config)] : [])]
  return { findings, serves: reached || isHere }
}
