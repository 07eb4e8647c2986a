// What is not done while somebody who asked could notice it.
import { expect, it, vi } from 'vitest'
import { createDeferredTasks } from '../../src/domain/deferred-tasks.ts'

it('is done when its time has come, once, so much of a kind, and whatever fails beside it', async () => {
  const deferredTasks = createDeferredTasks()
  const mail = vi.fn(async () => {})
  const login = vi.fn(async () => {})
  for (let index = 0; index < 150; index++) deferredTasks.add('mail', mail)
  deferredTasks.add('failed-login', async () => {
    throw new Error('The database is away')
  })
  deferredTasks.add('failed-login', login)
  await new Promise(setImmediate)
  expect(mail).not.toHaveBeenCalled()
  await expect(deferredTasks.flush()).rejects.toThrow('away')
  expect(mail).toHaveBeenCalledTimes(100)
  expect(login).toHaveBeenCalledTimes(1)
  deferredTasks.add('mail', mail)
  await deferredTasks.flush()
  expect(mail).toHaveBeenCalledTimes(101)
  expect(login).toHaveBeenCalledTimes(1)
})
