// Commands for what is set once for all commands: config list, get, set, unset.
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, printValue, remark } from '../../terminal/output.ts'
import { table } from '../../terminal/table.ts'
import { safeLine } from '../../terminal/text.ts'
import { command } from '../command.ts'
import {
  checkSetting,
  configurationPath,
  loadConfiguration,
  type Setting,
  saveConfiguration,
  settings,
} from '../configuration.ts'

const setting = settings.join('|')

function settingNamed(text: string): Setting {
  const found = settings.find((one) => one === text)
  if (found) return found
  throw new CliError('usage', `There is no setting "${safeLine(text)}"; there is: ${settings.join(', ')}.`)
}

export const list = command({
  name: 'config list',
  operands: [],
  summary: 'show what is set for all commands, and in which file',
  details:
    'server is the server for commands without a session; vault is where "limpet add" and "limpet import" put things if there are several vaults; idle is how long a login session stays unlocked without a command; unlock is what keeps it so: agent, a process in memory, or keychain, that of the system. An option comes first, then the environment, then the session, then this file.',
  example: 'limpet config list',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  async run({ environment }, _operands, { json }) {
    const file = configurationPath(environment)
    const { server = null, vault = null, idle = null, unlock = null } = await loadConfiguration(environment)
    const values = { server, vault, idle, unlock }
    if (json) return printJson({ file, ...values })
    print(
      ...table(
        ['SETTING', 'VALUE'],
        settings.map((name) => [name, values[name] ?? '(not set)']),
      ),
    )
    remark(`In ${file}.`)
  },
})

export const get = command({
  name: 'config get',
  operands: [setting],
  summary: 'print what a setting is set to',
  example: 'limpet config get server',
  options: {},
  async run({ environment }, [text = '']) {
    const name = settingNamed(text)
    const value = (await loadConfiguration(environment))[name]
    if (value === undefined) throw new CliError('notFound', `"${name}" is not set.`)
    printValue(value)
  },
})

export const set = command({
  name: 'config set',
  operands: [setting, 'VALUE'],
  summary: 'set something for all commands that come',
  example: 'limpet config set server https://vault.example.com',
  options: {},
  async run({ environment }, [text = '', value = '']) {
    const name = settingNamed(text)
    checkSetting(name, value)
    await saveConfiguration(environment, { ...(await loadConfiguration(environment)), [name]: value })
  },
})

export const unset = command({
  name: 'config unset',
  operands: [setting],
  summary: 'take back what was set',
  example: 'limpet config unset vault',
  options: {},
  async run({ environment }, [text = '']) {
    const name = settingNamed(text)
    const { [name]: value, ...others } = await loadConfiguration(environment)
    if (value === undefined) remark(`"${name}" was not set.`)
    else await saveConfiguration(environment, others)
  },
})
