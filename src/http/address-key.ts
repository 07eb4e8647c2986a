// The key under which a network address is counted.
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

/**
 * One key for whoever can send from an address: an IPv4 address as it is, also where it is mapped into IPv6; of an IPv6
 * address the /64, because that is what one customer gets and can walk through at will; anything else as a whole.
 */
export function addressKey(address: string): string {
  // A zone says through which interface the address was seen, which the other side does not choose.
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return address
  const groups = groupsOf(bare)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join('.')
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}
