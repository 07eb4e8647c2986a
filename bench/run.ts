// `npm run bench`: every figure of bench/RESULTS.md that stands between its markers, in some fourteen minutes; and the pictures.
// `npm run bench -- requests` measures one part; `--rounds` and `--seconds` say how long, for a try.
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { measureConnections } from './connections.ts'
import { measureRequests, measureSizes } from './requests.ts'
import { measureStarts } from './starts.ts'

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string' }, seconds: { type: 'string' } },
  allowPositionals: true,
})
const number = z.coerce.number().positive().optional()
const [rounds, seconds] = [number.parse(values.rounds), number.parse(values.seconds)]

/** Each writes its figures when it is done. @returns what was answered otherwise than it has to be */
const parts: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  starts: () => measureStarts(rounds ?? 9),
  requests: () => measureRequests({ rounds: rounds ?? 3, seconds: seconds ?? 2.5 }),
  connections: measureConnections,
  sizes: () => measureSizes({ rounds: rounds ?? 3, seconds: seconds ?? 1 }),
}

const wanted = positionals.length > 0 ? positionals : Object.keys(parts)
const unknown = wanted.filter((name) => !parts[name])
if (unknown.length > 0)
  throw new Error(`There is no ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`)

for (const name of wanted) {
  // What one part meets does not keep the others from being measured.
  const errors = await parts[name]?.().catch((error: unknown) => {
    console.error(error)
    return ['It was not measured to its end.']
  })
  for (const error of errors ?? []) console.error(`${name}: ${error}`)
  if (errors?.length) process.exitCode = 1
}
