// Moving with `bw`: from one server to another by the lines of docs/bitwarden.md, at a terminal, and from a native account by docs/moving-out.md.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { newShell } from '../cli/program.ts'
import { BitwardenDevice, registerBitwardenUser } from '../support/bitwarden-client.ts'
import { newBw } from '../support/bw.ts'
import { type Engine, engines } from '../support/database.ts'
import { dialogue } from '../support/dialogue.ts'
import { walkThrough } from '../support/readme.ts'
import { startServer } from '../support/server.ts'
import { startTlsProxy } from '../support/tls-proxy.ts'

const file = '/dev/shm/vault.json'

/** A server behind TLS. */
async function startOver(engine: Engine) {
  const proxy = await startTlsProxy()
  const server = await startServer(engine, { environment: { BITWARDEN_API: 'on', PUBLIC_URL: proxy.url } })
  proxy.pointAt(server.url)
  return {
    proxy,
    server,
    async close() {
      await server.close()
      await proxy.close()
    },
  }
}

it.each(engines)('a vault moves to a server on %s by the lines of the page', async (engine) => {
  const [old, fresh] = [await startOver('sqlite'), await startOver(engine)]
  const bw = await newBw('2026.9.0', old.proxy)
  try {
    const owner = await registerBitwardenUser(old.server)
    const device = await BitwardenDevice.login(old.server, owner)
    await device.createItem({ name: 'moved', username: 'ada', password: 'a password' })
    const mover = await registerBitwardenUser(fresh.server)
    const lines = walkThrough('move', 'docs/bitwarden.md')
      .replaceAll('https://vault.example.com', fresh.proxy.url)
      .replaceAll('you@example.com', mover.email)
      .replaceAll(file, join(bw.folder, 'vault.json'))
    await bw.login(owner.email, owner.password)
    const script = join(bw.folder, 'move.sh')
    await writeFile(
      script,
      `set -e\nbw() { ${bw.command} "$@"; }\n${lines}\nls ${bw.folder}/vault.json || echo removed\n`,
    )
    const typed = `${owner.password}\r`
    const certificates = join(bw.folder, 'certificates.pem')
    const both = [old, fresh].map(({ proxy }) => readFile(proxy.certificate, 'utf8'))
    await writeFile(certificates, (await Promise.all(both)).join('\n'))
    const { screen, code } = await dialogue(
      `bash ${script}`,
      { ...bw.environment, NODE_EXTRA_CA_CERTS: certificates, TERM: 'dumb' },
      [
        ['Master password:', typed],
        ['Saved ', ''],
        ['You have logged out.', ''],
        ['Master password:', typed],
        ['You are logged in!', ''],
        ['Master password:', typed],
      ],
    )
    expect([code, screen]).toEqual([0, expect.stringContaining('removed')])
    const { items } = await (await BitwardenDevice.login(fresh.server, mover)).sync()
    expect([...items.values()]).toMatchObject([{ name: 'moved', username: 'ada', password: 'a password' }])
  } finally {
    await bw.remove()
    await old.close()
    await fresh.close()
  }
})

const Named = z.looseObject({ id: z.string().nullable(), name: z.string(), folderId: z.string().nullish() })

/** What `bw` exported once, with files, which this program imports, and exports again for `bw`. */
const archive = fileURLToPath(new URL('../fixtures/moving/bitwarden.zip', import.meta.url))

it.each(engines)('bw imports what limpet exports of a native account on %s', async (engine) => {
  const { proxy, server, close } = await startOver(engine)
  const bw = await newBw('2026.9.0', proxy)
  try {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['import', archive, '--yes'])
    for (const number of [3, 4, 5, 6, 7])
      await shell.done(['edit', 'Mail', '--set-secret', 'password'], `tidal-pool-${number}`)
    await shell.done(['edit', 'Mail', '--tag', 'sea'])
    const [json, csv] = [join(bw.folder, 'limpet.json'), join(bw.folder, 'limpet.csv')]
    const exported = ['--format', 'bitwarden-json', '--in-clear', '--json']
    expect(JSON.parse(await shell.done(['export', json, ...exported]))).toMatchObject({
      items: 9,
      unplaced: { files: 4 },
    })
    await shell.done(['export', csv, '--format', 'csv', '--in-clear'])

    const user = await registerBitwardenUser(server)
    await bw.login(user.email, user.password)
    const list = async (what: string) => z.array(Named).parse(JSON.parse(await bw.out(['list', what])))
    await bw.out(['import', 'bitwardenjson', json])
    const items = await list('items')
    const folders = new Map((await list('folders')).map(({ id, name }) => [id, name]))
    const named = (name: string) => items.find((item) => item.name === name)
    expect(items).toHaveLength(9)
    const mail = named('Mail')
    expect(folders.get(mail?.folderId ?? null)).toBe('Work/Web')
    expect(mail).toMatchObject({
      type: 1,
      favorite: true,
      notes: 'Two lines\nof notes, "quoted"',
      login: {
        username: 'ada',
        password: 'tidal-pool-7',
        totp: 'otpauth://totp/Mail:ada?secret=JBSWY3DPEHPK3PXP&issuer=Mail',
        uris: [
          { uri: 'https://mail.example.com/login?a=1,2' },
          { uri: 'https://webmail.example.com' },
          { uri: '^https://.*example' },
        ],
        fido2Credentials: [
          {
            credentialId: '00112233-4455-6677-8899-aabbccddeeff',
            keyValue:
              'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg53MrCTukTics-A5zJ2JdM3yqgzFXnDSdqELeJNGR2hahRANCAAQP55SCionBXd8ZZ4ikFUJMEOrLxNMhHpkJXDcb9CG62K5sdUBkfWml7jXEvasBCCQgmw_vLxPuPoT_WCrxdYJI',
            rpId: 'mail.example.com',
            userHandle: 'dXNlcg',
            userName: 'ada',
            discoverable: 'true',
          },
        ],
      },
      // No more than five, also of a file of its own.
      passwordHistory: [6, 5, 4, 3, 2].map((number) => ({ password: `tidal-pool-${number}` })),
      fields: expect.arrayContaining([
        expect.objectContaining({ name: 'Colour', value: 'sea green', type: 0 }),
        expect.objectContaining({ name: 'PIN', value: '3141', type: 1 }),
        expect.objectContaining({ name: 'tags', value: 'sea', type: 0 }),
      ]),
    })
    const code = await bw.out(['get', 'totp', mail?.id ?? ''])
    expect(code).toMatch(/^\d{6}$/)
    expect(named('Card')).toMatchObject({
      type: 3,
      card: {
        cardholderName: 'Ada Lovelace',
        brand: 'Visa',
        number: '4242424242424242',
        expMonth: '4',
        expYear: '2031',
        code: '123',
      },
    })
    expect(named('Identity')).toMatchObject({
      type: 4,
      identity: {
        firstName: 'Dr Ada King',
        lastName: 'Lovelace',
        address1: '1 Quay',
        address2: 'Floor 2',
        address3: 'Door 3, W1 London Greater London, GB',
        company: 'Engines',
        email: 'ada@example.com',
        phone: '+44 1',
      },
    })
    expect(named('Key')).toMatchObject({
      type: 5,
      sshKey: { privateKey: 'a made-up private key', publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5' },
    })
    expect(named('Poem: of the sea')).toMatchObject({
      type: 2,
      notes: 'Öysters 🦪\n=1+1',
      fields: [{ name: 'Key', value: 'value: with a colon', type: 1 }],
    })

    // Of a table it takes what a table of Chrome has.
    const known = new Set(items.map(({ id }) => id))
    await bw.out(['import', 'chromecsv', csv])
    const ofTable = (await list('items')).filter(({ id }) => !known.has(id))
    expect(ofTable).toHaveLength(9)
    expect(ofTable.find(({ name }) => name === 'Mail')).toMatchObject({
      type: 1,
      login: {
        username: 'ada',
        password: 'tidal-pool-7',
        uris: [{ uri: 'https://mail.example.com/login?a=1,2' }],
      },
    })
  } finally {
    await bw.remove()
    await close()
  }
})
