// What is not done while somebody who asked could notice it.
import { expect, it, vi } from 'vitest'
import { createPostponed } from '../../src/domain/deferred-tasks.ts'

it('is done when its time has come, once, so much of a kind, and whatever fails beside it', async () => {
  const postponed = createPostponed()
  const mail = vi.fn(async () => {})
  const login = vi.fn(async () => {})
  for (let index = 0; index < 150; index++) postponed.add('mail', mail)
  postponed.add('failed-login', async () => {
    throw new Error('The database is away')
  })
  postponed.add('failed-login', login)
  await new Promise(setImmediate)
  expect(mail).not.toHaveBeenCalled()
  await expect(postponed.flush()).rejects.toThrow('away')
  expect(mail).toHaveBeenCalledTimes(100)
  expect(login).toHaveBeenCalledTimes(1)
  postponed.add('mail', mail)
  await postponed.flush()
  expect(mail).toHaveBeenCalledTimes(101)
  expect(login).toHaveBeenCalledTimes(1)
})
