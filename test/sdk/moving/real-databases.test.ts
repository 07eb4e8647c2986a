// Databases that KeePassXC, pykeepass and File::KDBX made (test/fixtures/moving): every value of them arrives.
import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { fileOfBytes, readIncoming } from '../../../src/sdk/moving/index.ts'

vi.unmock('hash-wasm')

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../fixtures/moving/${name}`, import.meta.url)))

async function itemsOf(name: string, keyFile?: string) {
  const { items } = await readIncoming(fileOfBytes(fixture(name), name), {
    password: async () => 'three wet rocks',
    ...(keyFile !== undefined && { keyFile: fixture(keyFile) }),
  })
  return new Map(items.map((item) => [item.content.name, item]))
}

async function textOf(file: { read(start: number): AsyncIterable<Uint8Array> } | undefined) {
  const pieces: Uint8Array[] = []
  for await (const piece of file?.read(0) ?? []) pieces.push(piece.slice())
  return Buffer.concat(pieces).toString('utf8')
}

describe.each([
  ['keepassxc-4.kdbx', 'keepassxc.key'],
  ['pykeepass-4.kdbx', undefined],
  ['file-kdbx-3.kdbx', 'file-kdbx-3.keyx'],
] as const)('%s', (name, keyFile) => {
  it('arrives whole', async () => {
    const items = await itemsOf(name, keyFile)
    const mail = items.get('Mail')
    expect(mail?.content).toMatchObject({
      kind: 'login',
      username: 'ada',
      password: 'tidal-pool-2',
      notes: 'Two lines\nof notes',
      totp: expect.stringContaining('JBSWY3DPEHPK3PXP'),
      previousPasswords: [{ password: 'tidal-pool-1' }],
      fields: expect.arrayContaining([
        { name: 'PIN', value: '2718', hidden: true },
        { name: 'Colour', value: 'sea green', hidden: false },
      ]),
    })
    expect(mail?.files).toHaveLength(1)
    expect(await textOf(mail?.files[0])).toBe('The deed of the house by the sea\n')
    expect(items.get('Old')?.trashed).toBe(true)
  })
})
