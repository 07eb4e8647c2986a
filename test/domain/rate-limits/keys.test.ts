// Under which key an address is counted: a sender who has many addresses is one.
import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressKey, networkKey, withoutPort } from '../../../src/domain/rate-limits/keys.ts'

const hex = (group: number) => group.toString(16)
const groups = (count: number) =>
  fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: count, maxLength: count })
/** None of those in which IPv4 addresses are written as IPv6. */
const network = groups(4).filter(
  ([a = 0, b = 0, ...others]) =>
    [a, b, ...others].some((group) => group !== 0) &&
    a !== 0x2002 &&
    !(a === 0x2001 && b === 0) &&
    !(a === 0x64 && b === 0xff9b),
)

describe('the key of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::192.0.2.1', '0:0:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0000:0000:ffff:ffff:ffff:ffff', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:db8::1:0:0:0:1', '2001:db8:0:1::/64'],
    ['1::8', '1:0:0:0::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
    ['64:ff9b::192.0.2.1', '192.0.2.1'],
    ['64:ff9b::1:192.0.2.1', '64:ff9b:0:0::/64'],
    ['64:ff9b:1::192.0.2.1', '64:ff9b:1:0::/64'],
    ['2002:c000:201::1', '192.0.2.1'],
    ['2002:c000:0201:1:2:3:4:5', '192.0.2.1'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdfe', '192.0.2.1'],
    ['2001:1::3fff:fdfe', '2001:1:0:0::/64'],
    ['::ffff:0:192.0.2.1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.1%1', '192.0.2.1'],
    ['', ''],
    ['unknown', 'unknown'],
    ['192.0.2.1:443', '192.0.2.1'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['[2001:db8::1]:443', '2001:db8:0:0::/64'],
    ['[::ffff:192.0.2.1]:65535', '192.0.2.1'],
    ['192.0.2.1:443:1', '192.0.2.1:443:1'],
    ['192.0.2.1:', '192.0.2.1:'],
    ['300.1.2.3:443', '300.1.2.3:443'],
    ['[unknown]:443', '[unknown]:443'],
    ['2001:db8::1::2', '2001:db8::1::2'],
    ['300.1.2.3', '300.1.2.3'],
  ])('of %j is %j', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })

  it('of every IPv4 address is the address, mapped or not', () => {
    fc.assert(
      fc.property(fc.ipV4(), groups(2), (address, [high = 0, low = 0]) => {
        expect(addressKey(address)).toBe(address)
        expect(addressKey(`::ffff:${address}`)).toBe(address)
        const bytes = [high >> 8, high & 255, low >> 8, low & 255]
        expect(addressKey(`::ffff:${hex(high)}:${hex(low)}`)).toBe(bytes.join('.'))
      }),
    )
  })

  it('of every IPv6 address is its first four groups, however it is written', () => {
    fc.assert(
      fc.property(network, groups(4), groups(4), (four, host, otherHost) => {
        const key = addressKey([...four, ...host].map(hex).join(':'))
        expect(key).toBe(`${four.map(hex).join(':')}::/64`)
        expect(addressKey([...four, ...otherHost].map(hex).join(':').toUpperCase())).toBe(key)
        expect(addressKey([...four, ...host].map((group) => hex(group).padStart(4, '0')).join(':'))).toBe(key)
        // The URL parser shortens addresses as RFC 5952 has it.
        const short = new URL(`http://[${[...four, ...host].map(hex).join(':')}]`).hostname.slice(1, -1)
        expect(addressKey(short)).toBe(key)
      }),
    )
  })

  it('tells networks apart', () => {
    fc.assert(
      fc.property(network, network, groups(4), (four, other, host) => {
        fc.pre(four.some((group, index) => group !== other[index]))
        const key = (start: number[]) => addressKey([...start, ...host].map(hex).join(':'))
        expect(key(four)).not.toBe(key(other))
      }),
    )
  })

  it('of anything else is the text itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const isText = !isIPv6(text.split('%')[0] ?? '') && withoutPort(text) === text
        if (isText) expect(addressKey(text)).toBe(text)
      }),
    )
  })

  it('has a /48 around it where it is of IPv6, with what stands behind it', () => {
    expect(networkKey('2001:db8:1:2::/64')).toBe('2001:db8:1::/48')
    expect(networkKey('2001:db8:1:2::/64 ada@example.com')).toBe('2001:db8:1::/48 ada@example.com')
    for (const key of ['192.0.2.1', '192.0.2.1 ada@example.com', 'x 2001:db8:1:2::/64', '2001:db8:1:2::/640'])
      expect(networkKey(key)).toBeUndefined()
  })
})
