// Second factors at the command line: added, asked for by a login, replaced by a recovery code, removed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes, seconds } from '../../src/clock.ts'
import { engines } from '../support/database.ts'
import { codeAt } from '../support/second-factors.ts'
import { startServer, TestClock, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

const Started = z.object({ secret: z.string(), uri: z.string() })
const Codes = z.object({ recoveryCodes: z.array(z.string()) })

/** The JSON documents that were printed one after the other. */
const documents = (text: string): unknown[] => text.split(/(?<=^\})\n/m).map((part) => JSON.parse(part))

describe.each(engines)('second factors at the command line with a server on %s', (engine) => {
  let server: TestServer
  let clock: TestClock
  beforeAll(async () => {
    clock = new TestClock()
    server = await startServer(engine, { clock })
  })
  afterAll(() => server.close())

  /** Adds an app as a script would: reads the secret, then writes the code. */
  async function added(shell: Shell) {
    const running = shell.start('second-factor', 'add', 'Phone', '--json')
    running.write(`${shell.password}\n`)
    let secret = ''
    await expect
      .poll(
        async () => {
          secret = /"secret": "(\w+)"/.exec(running.printed())?.[1] ?? ''
          return secret
        },
        { timeout: 20_000 },
      )
      .not.toBe('')
    running.write(`${codeAt(secret, clock.now())}\n`)
    const { stdout, stderr, code } = await running.finish()
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('from now on') })
    const [started, codes] = documents(stdout.trimEnd())
    expect(Started.parse(started).uri).toMatch(/^otpauth:\/\/totp\//)
    return { secret, codes: Codes.parse(codes).recoveryCodes }
  }

  it('are asked for by a login, and removed by the owner', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const { stderr: none } = await shell.ended('done', ['second-factor', 'list'])
    expect(none).toContain('the password alone')
    const { secret, codes } = await added(shell)
    expect(codes).toHaveLength(10)
    clock.advance(minutes(1))

    const elsewhere = await newShell(server)
    const logIn = (ending: 'done' | 'wrongPassword', code: string) =>
      elsewhere.ended(ending, ['login', shell.email], shell.password, code)
    const code = codeAt(secret, clock.now())
    await logIn('done', code)
    const { stderr } = await logIn('wrongPassword', code)
    expect(stderr).toContain('second factor')
    await logIn('done', codes[0]?.toUpperCase() ?? '')
    await logIn('wrongPassword', codes[0] ?? '')

    const listed: unknown = JSON.parse(await shell.done(['second-factor', 'list', '--json']))
    expect(listed).toEqual({
      factors: [
        {
          id: expect.any(String),
          type: 'totp',
          name: 'Phone',
          createdAt: expect.any(String),
          lastUsedAt: expect.any(String),
        },
      ],
      recoveryCodesLeft: 9,
    })
    const renewed = await shell.done(['second-factor', 'recovery-codes'], shell.password)
    expect(renewed.split('\n')).toHaveLength(10)
    await shell.ended('wrongPassword', ['second-factor', 'remove', 'Phone'], 'not the password')
    await shell.ended('notFound', ['second-factor', 'remove', 'Tablet'], shell.password)
    await shell.done(['second-factor', 'remove', 'Phone'], shell.password)
    clock.advance(seconds(1))
    await elsewhere.done(['login', shell.email], shell.password)
  })

  it('say how they are used', async () => {
    const shell = await newShell(server)
    for (const args of [[], ['enable'], ['remove'], ['list', 'Phone'], ['add', 'a', 'b']])
      await shell.ended('usage', ['second-factor', ...args])
  })
})
