// The keys of the server: which secret each comes from, as docs/decisions/server-keys.md says.
import { describe, expect, it } from 'vitest'
import { deriveServerKeys } from '../../src/domain/server-keys.ts'
import { testOpaqueSetup, testSecret } from '../support/server.ts'

const exported = (secret: string, setup: string) =>
  Object.entries(deriveServerKeys(secret, setup)).map(
    ([name, key]) => [name, key.export().toString('hex')] as const,
  )

/** The names of keys that stay the same with these secrets. */
function kept(secret: string, setup: string): string[] {
  const others = new Map(exported(secret, setup))
  return exported(testSecret, testOpaqueSetup)
    .filter(([name, key]) => others.get(name) === key)
    .map(([name]) => name)
}

describe("the server's keys", () => {
  it('come from both secrets, but for those that have to outlive one', () => {
    expect(kept(testSecret, testOpaqueSetup)).toHaveLength(15)
    expect(kept(testSecret, 'another setup')).toEqual(['prelogin'])
    expect(kept('another secret', testOpaqueSetup)).toEqual(['totpSecrets', 'bitwardenSecrets'])
  })

  it('are each another', () => {
    const keys = exported(testSecret, testOpaqueSetup).map(([, key]) => key)
    expect(new Set(keys).size).toBe(keys.length)
    for (const key of keys) expect(key).toHaveLength(64)
  })
})
