// Many items at once, as JSON.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { marker, newShell } from './program.ts'

describe.each(engines)('items as JSON with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('are added, listed with everything, and edited, in batches', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const contents = Array.from({ length: 250 }, (_, at) => ({
      kind: 'login',
      name: `Item ${at}`,
      password: `p${at}`,
    }))
    const ids = (await shell.feed(['add', '--from-json'], JSON.stringify(contents))).stdout
      .trimEnd()
      .split('\n')
    expect(new Set(ids).size).toBe(250)
    const listed = JSON.parse(await shell.done(['list', '--json', '--reveal']))
    expect(listed.map(({ content }: { content: unknown }) => content)).toEqual(contents)
    expect(listed[7].id).toBe(ids[7])
    const changed = listed.map((item: { content: object }) => ({
      ...item,
      content: { ...item.content, tags: ['old'] },
    }))
    expect((await shell.feed(['edit', '--from-json'], JSON.stringify(changed))).code).toBe(0)
    expect(JSON.parse(await shell.done(['list', '--tag', 'old', '--json']))).toHaveLength(250)
    // The same again builds on revisions that were replaced.
    const again = await shell.feed(['edit', '--from-json'], JSON.stringify(changed.slice(0, 2)))
    expect(again).toMatchObject({ code: 7, stdout: '' })
    expect((await shell.feed(['add', '--from-json'], JSON.stringify(listed.slice(0, 1)))).code).toBe(0)
  })

  it('keep the password that is replaced, unless it is to be forgotten', async () => {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['add', 'login', 'Mail'], 'one')
    const read = async () => JSON.parse(await shell.done(['list', 'Mail', '--json', '--reveal']))[0]
    const before = await read()
    const edit = (item: object) => shell.feed(['edit', '--from-json'], JSON.stringify([item]))
    await edit({ ...before, content: { ...before.content, password: 'two' } })
    await shell.done(['edit', 'Mail', '--generate'])
    await shell.done(['edit', 'Mail', '--username', 'ada'])
    const after = await read()
    const passwords = ({ content }: typeof after) =>
      (content.previousPasswords ?? []).map(({ password }: { password: string }) => password)
    expect(passwords(after)).toEqual(['two', 'one'])
    // Another client has noted it itself.
    const noted = [{ password: after.content.password }, ...after.content.previousPasswords]
    await edit({ ...after, content: { ...after.content, password: 'four', previousPasswords: noted } })
    expect(passwords(await read())).toHaveLength(3)
    await shell.done(['edit', 'Mail', '--generate', '--unset', 'previousPasswords'])
    expect(passwords(await read())).toEqual([])
    await shell.done(['edit', 'Mail', '--unset', 'password'])
    expect(passwords(await read())).toHaveLength(1)
  })

  it('are refused as a whole if one is malformed, without a word of what is in it', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const secret = marker('secret')
    const good = { kind: 'note', name: 'Good' }
    const bad = [
      [good, { kind: 'login', name: 'Bad', password: [secret] }],
      [good, { kind: 'login', password: secret }],
      [good, secret],
      { ...good, notes: secret },
      [
        good,
        {
          ...good,
          attachments: [{ id: crypto.randomUUID(), key: 'A'.repeat(43), name: 'f', type: '', size: 1 }],
        },
      ],
    ]
    for (const input of [...bad.map((one) => JSON.stringify(one)), `[${secret}`, '']) {
      const { code, stderr, stdout } = await shell.feed(['add', '--from-json'], input)
      expect({ code, stdout }, input).toEqual({ code: 2, stdout: '' })
      expect(stderr).not.toContain(secret)
    }
    const missing = [{ id: crypto.randomUUID(), revision: 1, content: good }]
    expect((await shell.feed(['edit', '--from-json'], JSON.stringify(missing))).code).toBe(5)
    await shell.ended('usage', ['add', 'login', 'Mail', '--from-json'])
    await shell.ended('usage', ['edit', 'Mail', '--from-json'])
    await shell.ended('usage', ['edit'])
    await shell.ended('usage', ['list', '--reveal'])
    expect(JSON.parse(await shell.done(['list', '--json']))).toEqual([])
  })
})
