// The operator of a server, at a shell with its environment. The commands run within this process.
import { runProgram } from '../../src/operator/program.ts'
import { createPrompter } from '../../src/terminal/prompting.ts'
import { type Result, runCommand } from './console.ts'
import type { TestDatabase } from './database.ts'
import { testOpaqueSetup, testSecret } from './server.ts'

function replaceEnvironment(environment: NodeJS.ProcessEnv) {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, environment)
}

async function run(args: readonly string[], settings: Record<string, string>): Promise<Result> {
  const before = { ...process.env }
  replaceEnvironment({ PATH: before.PATH, ...settings })
  try {
    return await runCommand(async (stdin) => {
      const prompter = createPrompter(() => stdin)
      try {
        return await runProgram(args, prompter)
      } finally {
        prompter.close()
      }
    }).finish()
  } finally {
    replaceEnvironment(before)
  }
}

/** The commands read the environment of this process, so they run one after the other. */
let last: Promise<unknown> = Promise.resolve()

/** Runs a command of `limpet-server` that ends by itself; its standard input is empty. */
export function runOperator(args: readonly string[], settings: Record<string, string>): Promise<Result> {
  const ended = last.then(() => run(args, settings))
  last = ended.catch(() => {})
  return ended
}

/** The environment of a server: its database and its secrets, and further settings. */
export const environmentOf = ({ url }: TestDatabase, settings: Record<string, string>) => ({
  DATABASE_URL: url,
  JWT_SECRET: testSecret,
  OPAQUE_SERVER_SETUP: testOpaqueSetup,
  ...settings,
})

export const operatorOf = (database: TestDatabase, settings: Record<string, string> = {}) => ({
  run: (...args: string[]) => runOperator(args, environmentOf(database, settings)),
  /** Runs a command that must end well. @returns what it printed as JSON */
  async json(...args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.run(...args, '--json')
    if (code !== 0) throw new Error(`"limpet-server ${args.join(' ')}" ended with ${code}:\n${stderr}`)
    return JSON.parse(stdout)
  },
})
