// The form in which credentials lie on the disk: vectors of another implementation, and everything that must not open.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openBytes } from '../../src/aes-gcm.ts'
import { newMasterKey, parseMasterKey } from '../../src/credentials/master-key.ts'
import { openText, sealContent } from '../../src/credentials/sealed-text.ts'
import { systemRandom } from '../../src/random.ts'

const Vectors = z.object({
  masterKey: z.string(),
  keyId: z.string(),
  nonce: z.string(),
  accepted: z.array(
    z.object({ purpose: z.string(), associatedData: z.string(), text: z.string(), sealed: z.string() }),
  ),
})
const { masterKey, keyId, nonce, accepted } = Vectors.parse(
  JSON.parse(readFileSync(new URL('../vectors/credentials.json', import.meta.url), 'utf8')),
)

const key = parseMasterKey(masterKey, 'the vector')
const other = parseMasterKey(newMasterKey(systemRandom.bytes(32)), 'another')
const fixed = { ...systemRandom, bytes: () => Buffer.from(nonce, 'hex') }

const refusal = (work: () => string) => {
  try {
    return `opened: ${work()}`
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
}

describe('sealed text', () => {
  it('is what another implementation makes of the same key, nonce and text', () => {
    expect(key.id).toBe(keyId)
    expect(accepted.length).toBeGreaterThan(2)
    for (const { purpose, associatedData, sealed, text } of accepted) {
      const bytes = Buffer.from(sealed.split('.')[2] ?? '', 'base64url')
      expect(openBytes(key.key, associatedData, bytes)?.toString()).toBe(text)
      expect(sealContent(key, purpose, text, fixed)).toBe(sealed)
      expect(openText(key, purpose, sealed, 'it')).toBe(text)
    }
  })

  it('never looks the same twice', () => {
    const seal = () => sealContent(key, 'text', 'the same', systemRandom)
    expect(seal()).not.toBe(seal())
  })

  it('opens with no character changed, none missing and none added', () => {
    const sealed = sealContent(key, 'text', 'a secret', systemRandom)
    for (let index = 0; index < sealed.length; index++) {
      const rest = [sealed.slice(0, index), sealed.slice(index + 1)] as const
      const changed = sealed[index] === 'A' ? 'B' : 'A'
      for (const spoiled of [rest.join(changed), rest.join(''), rest.join(`${sealed[index]}A`)])
        expect(
          refusal(() => openText(key, 'text', spoiled, 'it')),
          `${index}`,
        ).not.toContain('opened')
    }
  })

  it('opens with no bit flipped', () => {
    const sealed = Buffer.from(sealContent(key, 'text', 'a secret', systemRandom))
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const spoiled = Buffer.from(sealed)
      spoiled[bit >> 3] = (spoiled[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(
        refusal(() => openText(key, 'text', spoiled.toString('latin1'), 'it')),
        `${bit}`,
      ).not.toContain('opened')
    }
  })

  it('says whether it is the key, the text or the form', () => {
    const sealed = sealContent(key, 'file:a', 'a secret', systemRandom)
    const sentences = {
      otherKey: refusal(() => openText(other, 'file:a', sealed, 'it')),
      otherPurpose: refusal(() => openText(key, 'file:b', sealed, 'it')),
      otherForm: refusal(() => openText(key, 'file:a', sealed.replace('sealed-1', 'sealed-2'), 'it')),
      noForm: refusal(() => openText(key, 'file:a', 'JWT_SECRET: x', 'it')),
      noKey: refusal(() => parseMasterKey('short', 'master.key').id),
    }
    expect(sentences).toEqual({
      otherKey: expect.stringContaining('key is not the one'),
      otherPurpose: expect.stringContaining('another name'),
      otherForm: expect.stringContaining('limpet-sealed-2'),
      noForm: expect.stringContaining('damaged'),
      noKey: expect.stringContaining('no master key'),
    })
    for (const sentence of Object.values(sentences)) expect(sentence).not.toContain('a secret')
  })
})
