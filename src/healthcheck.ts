// Asks the server of this configuration whether it is ready, for what watches a container; ends with 0 or 1. A program of its
// own, because it runs every few seconds and the commands of limpet-server take longer to load than to run.

import http from 'node:http'
import { seconds } from './clock.ts'
import { serverPaths } from './contract/paths.ts'
import { localUrl, readConfig } from './server/config.ts'

/** Milliseconds within which a server that is well has answered. */
const timeout = seconds(4)

const url = `${localUrl(readConfig())}${serverPaths.readiness}`
/** Over Node's own HTTP: loading `fetch` takes three times as long. */
const status = await new Promise<number | undefined>((resolve) => {
  http
    .get(url, { agent: false, signal: AbortSignal.timeout(timeout) }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    .on('error', () => resolve(undefined))
})
if (status !== 200) {
  const met = status ? `The server is not ready: it answers ${status}.` : `Nothing answers at ${url}.`
  process.stderr.write(`${met}\n`)
  process.exitCode = 1
}
