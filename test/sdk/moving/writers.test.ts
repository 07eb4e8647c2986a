// What is written for other programs: those programs read it, and what they have no place for is told.
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { fileOfBytes, readIncoming, writers } from '../../../src/sdk/moving/index.ts'
import { loadKdbxweb } from '../../../src/sdk/moving/kdbx-argon2.ts'
import { outgoing, writerNamed, written } from '../../support/exports.ts'
import { pythonWithPackages } from '../../support/python.ts'

// Other programs derive with the costs that the file names.
vi.unmock('hash-wasm')

const passphrase = 'five barnacles on a 9 inch pin'
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const passkey = {
  credentialId: Buffer.alloc(16, 3).toString('base64url'),
  privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64url'),
  rpId: 'mail.example.com',
  rpName: 'Mail',
  userHandle: 'AQID',
  userName: 'ada',
  userDisplayName: 'Ada',
  discoverable: true,
  createdAt: '2026-01-31T12:00:00.000Z',
}
const mail = {
  kind: 'login' as const,
  name: 'Mail 🦪 <&>',
  username: 'ada',
  password: 'p,"q"\nr',
  urls: ['https://mail.example.com', 'https://webmail.example.com'],
  totp: 'JBSWY3DPEHPK3PXP',
  notes: 'one\ntwo',
  folder: 'Work',
  tags: ['sea', 'boats'],
  favourite: true,
  fields: [
    { name: 'PIN', value: '2718', hidden: true },
    { name: 'PIN', value: 'bell \u0007', hidden: false },
  ],
  previousPasswords: [{ password: 'oldest', replacedAt: '2025-05-01T00:00:00.000Z' }],
  passkeys: [passkey],
}
const deed = new TextEncoder().encode('The deed of the house by the sea\n')
const items = [
  outgoing(mail, {
    files: { 'deed.txt': deed },
    versions: [{ ...mail, password: 'before', passkeys: [] }],
  }),
  outgoing({ kind: 'card', name: 'Visa', holder: 'Ada L', number: '4111', expiry: '2031-04', code: '999' }),
  outgoing({ kind: 'identity', name: 'Me', fullName: 'Ada King Lovelace', address: 'a\nb\nc\nd' }),
  outgoing({ kind: 'note', name: 'Poem', notes: '=1+1' }),
  outgoing({
    kind: 'ssh-key',
    name: 'Key',
    privateKey: 'PEM',
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5',
  }),
  outgoing({ kind: 'note', name: 'Old', notes: 'gone' }, { trashed: true }),
  outgoing({ kind: 'later', name: 'Of a later kind' }),
]

describe('Bitwarden JSON', () => {
  it('is what this program reads again, with what it has no place for told', async () => {
    const { bytes, unplaced } = await written(writerNamed(writers, 'bitwarden-json'), items)
    expect(unplaced).toEqual({ files: 1, versions: 1, trashed: 1, kinds: 1 })
    const file = JSON.parse(new TextDecoder().decode(bytes))
    expect(file.folders).toMatchObject([{ name: 'Work' }])
    expect(file.items.map((item: { type: number }) => item.type)).toEqual([1, 3, 4, 2, 5])
    const read = await readIncoming(fileOfBytes(bytes, 'export.json'))
    const contents = read.items.map(({ content }) => content)
    const { tags, previousPasswords: _, ...rest } = mail
    expect(contents[0]).toEqual({
      ...rest,
      fields: [...mail.fields, { name: 'tags', value: tags.join(', '), hidden: false }],
      previousPasswords: [
        { password: 'before', replacedAt: '2026-02-01T12:00:00.000Z' },
        ...mail.previousPasswords,
      ],
    })
    for (const at of [1, 3, 4]) expect(contents[at]).toEqual(items[at]?.item.content)
    expect(contents[2]).toEqual({
      kind: 'identity',
      name: 'Me',
      fullName: 'Ada King Lovelace',
      address: 'a\nb\nc, d',
    })
  })

  it('keeps vaults apart by folders, and leaves out passkeys of other curves', async () => {
    const { privateKey: other } = generateKeyPairSync('ed25519')
    const odd = {
      ...passkey,
      privateKey: other.export({ type: 'pkcs8', format: 'der' }).toString('base64url'),
    }
    const { bytes, unplaced } = await written(writerNamed(writers, 'bitwarden-json'), [
      outgoing({ ...mail, passkeys: [odd] }),
      outgoing(mail, { vault: 'Production' }),
    ])
    expect(unplaced).toEqual({ passkeys: 1 })
    const names = JSON.parse(new TextDecoder().decode(bytes)).folders.map((one: { name: string }) => one.name)
    expect(names).toEqual(['Personal/Work', 'Production/Work'])
  })
})

describe('CSV', () => {
  it('has a line for each item, with every value as it is', async () => {
    const { bytes, unplaced } = await written(writerNamed(writers, 'csv'), items)
    expect(unplaced).toEqual({ files: 1, versions: 1, passkeys: 1, trashed: 1, kinds: 1 })
    const rows: Record<string, string>[] = parse(Buffer.from(bytes), { columns: true })
    expect(rows).toHaveLength(5)
    expect(rows[0]).toMatchObject({
      name: mail.name,
      url: 'https://mail.example.com',
      otherUrls: 'https://webmail.example.com',
      username: 'ada',
      password: 'p,"q"\nr',
      totp: mail.totp,
      tags: 'sea, boats',
      fields: 'PIN: 2718\nPIN: bell \u0007',
      previousPasswords: 'before\noldest',
    })
    expect(rows[3]).toMatchObject({ kind: 'note', notes: '=1+1' })
  })
})

describe('KDBX', () => {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-kdbx-'))
  const path = join(folder, 'out.kdbx')
  let bytes: Uint8Array
  beforeAll(async () => {
    const made = await written(writerNamed(writers, 'kdbx'), items, passphrase)
    bytes = made.bytes
    expect(made.unplaced).toEqual({ kinds: 1 })
    writeFileSync(path, bytes)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('opens with its passphrase, and holds states, files and the trash', async () => {
    const { Kdbx, KdbxCredentials, ProtectedValue } = await loadKdbxweb()
    const open = (text: string) =>
      Kdbx.load(new Uint8Array(bytes).buffer, new KdbxCredentials(ProtectedValue.fromString(text)))
    await expect(open('another one')).rejects.toThrow()
    const entries = [...(await open(passphrase)).getDefaultGroup().allEntries()]
    const textOf = (value: string | { getText(): string } | undefined) =>
      typeof value === 'string' ? value : value?.getText()
    const entry = entries.find((one) => one.fields.get('Title') === mail.name)
    expect(textOf(entry?.fields.get('Password'))).toBe(mail.password)
    expect(textOf(entry?.fields.get('PIN (2)'))).toBe('bell \u0007')
    expect(entry?.history.map((one) => textOf(one.fields.get('Password')))).toEqual(['oldest', 'before'])
    expect(entry?.parentGroup?.name).toBe('Work')
    expect(entry?.tags).toEqual(['sea', 'boats', 'Favorite'])
    expect([...(entry?.binaries.keys() ?? [])]).toEqual(['deed.txt'])
    expect(entries.find((one) => one.fields.get('Title') === 'Old')?.parentGroup?.name).toBe('Recycle Bin')
  })

  const keepassxc = (args: readonly string[]) =>
    spawnSync('keepassxc-cli', args, { input: `${passphrase}\n`, encoding: 'utf8' })
  // CI has the other two readers; this one is a package of the system.
  it.skipIf(keepassxc(['--version']).error)('is read by KeePassXC', () => {
    const show = (attribute: string) =>
      keepassxc(['show', '-q', '-s', '-a', attribute, path, `Work/${mail.name}`]).stdout
    expect(show('Password')).toBe(`${mail.password}\n`)
    expect(show('UserName')).toBe('ada\n')
    expect(show('PIN')).toBe('2718\n')
    expect(keepassxc(['show', '-q', '-t', path, `Work/${mail.name}`]).stdout).toMatch(/^\d{6}\n$/)
    const out = join(folder, 'deed.txt')
    const exported = keepassxc(['attachment-export', '-q', path, `Work/${mail.name}`, 'deed.txt', out])
    expect(exported.status).toBe(0)
    expect(keepassxc(['ls', '-q', '-R', '-f', path]).stdout).toContain('Recycle Bin/Old')
  })

  const python = pythonWithPackages()
  it.runIf(python)('is read by pykeepass', () => {
    const script = `
import json, sys
from pykeepass import PyKeePass
kp = PyKeePass(sys.argv[1], password=sys.argv[2])
entry = kp.find_entries(username='ada', first=True)
print(json.dumps([entry.title, entry.password, entry.otp, entry.tags, entry.group.name,
    [one.password for one in entry.history], [a.binary.decode() for a in entry.attachments],
    entry.get_custom_property('KPEX_PASSKEY_RELYING_PARTY')]))
`
    const { stdout, stderr } = spawnSync(python ?? '', ['-c', script, path, passphrase], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      mail.name,
      mail.password,
      expect.stringContaining('secret=JBSWY3DPEHPK3PXP'),
      ['sea', 'boats', 'Favorite'],
      'Work',
      ['oldest', 'before'],
      [new TextDecoder().decode(deed)],
      'mail.example.com',
    ])
  })
})
