// What is counted under what: the keys of rate limits. A key begins with the address if there is one in it, so that the network
// around it is found.
import { isIPv4, isIPv6 } from 'node:net'

/** The eight groups of an IPv6 address, which may end in an IPv4 address (RFC 4291, section 2.2). */
function groupsOf(address: string): number[] {
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').flatMap(groupOf))
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}

/** One piece between colons: a group in hexadecimal, two of them written as IPv4, or nothing beside `::`. */
function groupOf(text: string): number[] {
  if (text === '') return []
  if (!isIPv4(text)) return [Number.parseInt(text, 16)]
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

/** Two groups as the IPv4 address that they are. */
const toIPv4 = (groups: readonly number[]) => groups.flatMap((group) => [group >> 8, group & 0xff]).join('.')

/** IPv4 addresses that are written as IPv6: which of the eight groups say so, and how to get at the address. */
const carriers: readonly { prefix: readonly number[]; carried(groups: number[]): number[] }[] = [
  // Mapped (RFC 4291, section 2.5.5.2).
  { prefix: [0, 0, 0, 0, 0, 0xffff], carried: (groups) => groups.slice(6) },
  // 6to4 (RFC 3056): each IPv4 address has a /48 of its own, which is no more than that address.
  { prefix: [0x2002], carried: (groups) => groups.slice(1, 3) },
  // Teredo (RFC 4380, section 4): all clients of a server share a /64, and have their own IPv4 address inverted at the end.
  { prefix: [0x2001, 0], carried: (groups) => groups.slice(6).map((group) => group ^ 0xffff) },
  // NAT64 (RFC 6052), as a server without IPv4 sees those who have nothing else: all of them share a /64.
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], carried: (groups) => groups.slice(6) },
]

/** An address without the port that some proxies write behind it: `192.0.2.1:443`, `[2001:db8::1]:443`. */
export function withoutPort(address: string): string {
  const [, bracketed, bare] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(address) ?? []
  if (bracketed !== undefined && isIPv6(bracketed)) return bracketed
  return bare !== undefined && isIPv4(bare) ? bare : address
}

/**
 * One key for all who can send from an address: an IPv4 address as it is, also if it is written as IPv6; of an IPv6
 * address the /64, because that is the least that one customer gets and can walk through at will; anything else as a whole.
 */
export function addressKey(address: string): string {
  // A zone says through which interface the address was seen, which the other side does not choose.
  const whole = withoutPort(address)
  if (isIPv4(whole)) return whole
  const [bare = ''] = whole.split('%')
  if (!isIPv6(bare)) return whole
  const groups = groupsOf(bare)
  const carrier = carriers.find(({ prefix }) => prefix.every((group, index) => groups[index] === group))
  if (carrier) return toIPv4(carrier.carried(groups))
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}

/**
 * The key of the /48 around a key that begins with a /64, and with the rest of it: many customers get that much, and have 65,536
 * of the others.
 * @returns undefined if the key begins with anything else
 */
export function networkKey(key: string): string | undefined {
  const [, site, rest] = /^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):[0-9a-f]+::\/64(| .*)$/s.exec(key) ?? []
  return site === undefined ? undefined : `${site}::/48${rest}`
}

/** A sender and the e-mail address that the request is about. */
interface Asked {
  readonly address: string
  readonly email: string
}

/**
 * Of failed logins. Nothing is counted by e-mail alone: strangers elsewhere could then keep the owner out. Whether the e-mail has an
 * account makes no difference, so that limits tell nothing of it.
 */
export const loginKey = ({ address, email }: Asked): string => `${address} ${email}`

/**
 * Of wrong codes of a second factor. Codes of six digits can be guessed by a stranger who has the password, from any number of
 * addresses: so these are counted by account, and those of each device that the account knows by themselves. That keeps no owner out who
 * is at such a device, and recovery codes and WebAuthn cannot be guessed and are not counted.
 * @param knownDevice its id, which strangers cannot guess; undefined for all others
 */
export const secondFactorKey = (
  { accountId }: { readonly accountId: string },
  knownDevice: string | undefined,
): string => `second-factor ${accountId} ${knownDevice ?? ''}`

/** Of requests that cause mail to an e-mail address: one sender cannot use up what others may ask for. */
export const mailRequestKey = ({ address, email }: Asked): string => `${address} ${email}`

/**
 * Of mail that one address is sent. Each kind is counted for itself: requests for hints without end keep no notice from the owner.
 * So is each change of an account: a hundred new tokens do not hide that the password was changed.
 */
export const sentMailKey = (
  { kind, detail }: { readonly kind: string; readonly detail: string | null },
  email: string,
): string => `${kind} ${kind === 'account-changed' ? detail : ''} ${email}`

/** Of proofs of one share from one address. */
export const shareReaderKey = (address: string, shareId: string): string => `${address} ${shareId}`
