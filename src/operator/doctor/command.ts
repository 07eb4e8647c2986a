// The operator's command that looks at everything a server depends on.

import { type Config, ConfigError, readConfig } from '../../server/config.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, safeText } from '../../terminal/text.ts'
import { command, json } from '../command.ts'
import { checkDatabase } from './database.ts'
import { checkFiles } from './files.ts'
import { error, type Finding, ok } from './finding.ts'
import { checkMail } from './mail.ts'
import { checkPublicUrl } from './public-url.ts'
import { checkFileModes, checkJwtSecret, checkOpaqueSetup } from './secrets.ts'
import { checkSettings } from './settings.ts'

function configuration(): Config | readonly string[] {
  try {
    return readConfig()
  } catch (failure) {
    if (failure instanceof ConfigError) return failure.mistakes
    throw failure
  }
}

async function examine(): Promise<Finding[]> {
  const config = configuration()
  if (!('database' in config))
    return config.map((mistake) =>
      error('configuration', `${mistake}.`, 'Set it right; everything else is looked at after that.'),
    )
  const [database, publicUrl, mail, files] = await Promise.all([
    checkDatabase(config),
    checkPublicUrl(config),
    checkMail(config),
    checkFiles(config),
  ])
  return [
    ok('configuration', 'Every setting can be read.'),
    ...checkSettings(config),
    checkJwtSecret(config),
    await checkOpaqueSetup(config, database.fingerprint, publicUrl.serves),
    ...checkFileModes(config),
    ...database.findings,
    ...publicUrl.findings,
    mail,
    files,
  ]
}

const lines = ({ check, status, message, remedy }: Finding) => [
  `${status.padEnd(7)}  ${check}: ${message}`,
  ...(remedy === null ? [] : [`         → ${remedy}`]),
]

export const doctor = command({
  name: 'doctor',
  operands: [],
  summary: 'look at everything that the server depends on, and say what to do',
  details:
    'Configuration, secrets, files, database, clocks, TLS, proxies and mail. It changes nothing. Exit code 0 when no error was found; warnings are none, nor is what cannot be seen from here.',
  example: 'limpet-server doctor --json',
  options: { json },
  async run(_surroundings, _operands, { json }) {
    const findings = await withProgress('Looking', examine)
    const errors = findings.filter(({ status }) => status === 'error').length
    if (json) printJson({ ok: errors === 0, findings })
    else print(...findings.flatMap(lines).map(safeText))
    if (errors > 0) throw new CliError('unexpected', `${counted(errors, 'error')} found.`)
  },
})
