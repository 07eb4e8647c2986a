// Around each test file: no statement on the content of vaults may look into all of them, unless it is on the list that says why.
import { afterAll, expect } from 'vitest'
import { judgeStatements, watchStatements } from './statements-by-vault.ts'

watchStatements()

afterAll(async () => {
  expect(await judgeStatements(), 'statements that look into every vault').toEqual([])
})
