// Asks the server of this configuration whether it is ready, for what watches a container; ends with 0 or 1. A program of its
// own, because it runs every few seconds and the commands of limpet-server take longer to load than to run.

import { seconds } from './clock.ts'
import { serverPaths } from './contract/paths.ts'
import { localUrl, readConfig } from './server/config.ts'

/** Milliseconds within which a server that is well has answered. */
const timeout = seconds(4)

const url = `${localUrl(readConfig())}${serverPaths.readiness}`
const answer = await fetch(url, { signal: AbortSignal.timeout(timeout) }).catch(() => undefined)
if (!answer?.ok) {
  const met = answer ? `The server is not ready: it answers ${answer.status}.` : `Nothing answers at ${url}.`
  process.stderr.write(`${met}\n`)
  process.exitCode = 1
}
