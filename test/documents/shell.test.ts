// The scripts of docs/share-from-a-shell.md as they stand there, run by `sh`, against a server on each engine.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CreatedShare, RevealedShare } from '../../src/contract/shares.ts'
import { decryptFernet, encryptFernet } from '../../src/protocol/fernet.ts'
import { formatShareLink, newShareKey, parseShareLink, shareKeys } from '../../src/protocol/share-link.ts'
import { engines } from '../support/database.ts'
import { bodyOf, send } from '../support/requests.ts'
import { startServer, type TestServer } from '../support/server.ts'

const documentation = await readFile(new URL('../../docs/share-from-a-shell.md', import.meta.url), 'utf8')

function script(name: string): string {
  const [, block] = documentation.split(`<!-- script: ${name} -->\n\`\`\`sh\n`)
  const [lines] = block?.split('```\n') ?? []
  if (!lines) throw new Error(`The document has no script "${name}"`)
  return lines
}

describe.each(engines)('the scripts of docs/share-from-a-shell.md on %s', (engine) => {
  let server: TestServer
  let folder: string
  beforeEach(async () => {
    server = await startServer(engine)
    folder = await mkdtemp(join(tmpdir(), 'limpet-shell-'))
    for (const name of ['share.sh', 'open.sh']) await writeFile(join(folder, name), script(name))
  })
  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Runs a script of the folder with some input. */
  const run = (name: string, args: string[], input: string | Uint8Array) =>
    new Promise<{ code: number | null; output: Buffer; errors: string }>((resolve, reject) => {
      const shell = spawn('sh', [name, ...args], {
        cwd: folder,
        env: { PATH: process.env.PATH, TMPDIR: folder },
      })
      const output: Uint8Array[] = []
      let errors = ''
      shell.stdout.on('data', (chunk: Uint8Array) => output.push(chunk))
      shell.stderr.on('data', (chunk) => {
        errors += chunk
      })
      shell.on('error', reject)
      shell.on('close', (code) => resolve({ code, output: Buffer.concat(output), errors }))
      shell.stdin.end(input)
    })

  const share = async (secret: string | Uint8Array) => {
    const { code, output, errors } = await run('share.sh', [server.url], secret)
    expect(errors).toBe('')
    expect(code).toBe(0)
    return output.toString()
  }

  it('hand any bytes over, once', async () => {
    const secrets = [
      Buffer.from('correct horse\n'),
      randomBytes(20_000),
      Buffer.from([0]),
      Buffer.from('🐌 "\r\n '),
    ]
    for (const secret of secrets) {
      const link = await share(secret)
      const opened = await run('open.sh', [], link)
      expect(opened).toEqual({ code: 0, output: secret, errors: '' })
      const again = await run('open.sh', [], link)
      expect(again.code).not.toBe(0)
      expect(again.output.length).toBe(0)
      expect(again.errors).toContain('410')
    }
    expect((await readdir(folder)).sort()).toEqual(['open.sh', 'share.sh'])
  })

  it('make what every other client opens', async () => {
    const { id, key } = parseShareLink(await share('from a shell'))
    const { fernetKey, proof } = await shareKeys(key)
    const answer = await send(server, {
      method: 'POST',
      path: `/api/v1/shares/${id}/reveal`,
      body: { proof },
    })
    const { ciphertext } = bodyOf(RevealedShare, answer)
    expect(Buffer.from(await decryptFernet(fernetKey, ciphertext)).toString()).toBe('from a shell')
  })

  it('open what every other client makes, and lose nothing to a wrong key', async () => {
    const key = newShareKey()
    const { fernetKey, proof } = await shareKeys(key)
    const ciphertext = await encryptFernet(fernetKey, Buffer.from('for a shell'))
    const answer = await send(server, { method: 'POST', path: '/api/v1/shares', body: { ciphertext, proof } })
    const { id } = bodyOf(CreatedShare, answer)
    const wrong = await run(
      'open.sh',
      [],
      `${formatShareLink({ server: server.url, id, key: newShareKey() })}\n`,
    )
    expect(wrong.code).not.toBe(0)
    expect(wrong.errors).toContain('403')
    const right = await run('open.sh', [], `${formatShareLink({ server: server.url, id, key })}\n`)
    expect(right.output.toString()).toBe('for a shell')
  })

  it('decrypt nothing that was tampered with', async () => {
    const key = newShareKey()
    const { proof } = await shareKeys(key)
    const other = await shareKeys(newShareKey())
    const ciphertext = await encryptFernet(other.fernetKey, Buffer.from('not under this key'))
    const answer = await send(server, { method: 'POST', path: '/api/v1/shares', body: { ciphertext, proof } })
    const { id } = bodyOf(CreatedShare, answer)
    const opened = await run('open.sh', [], `${formatShareLink({ server: server.url, id, key })}\n`)
    expect(opened.code).toBe(1)
    expect(opened.output.length).toBe(0)
    expect(opened.errors).toContain('Ask the sender for a new link')
  })
})
