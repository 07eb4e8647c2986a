// Writes figures into bench/RESULTS.md, and says where they come from.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()

/** What was measured, on what, and when. */
export const machine = () =>
  `Commit ${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src') ? ' with changes' : ''}, Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${new Date().toISOString().slice(0, 10)}, load ${loadavg()[0]?.toFixed(1)}.`

/** Replaces what stands between two markers of RESULTS.md; the text around it is written by hand. */
export function writeResults(part: string, text: string) {
  process.stdout.write(`${text}\n`)
  const file = new URL('./RESULTS.md', import.meta.url)
  const [begin, end] = [`<!-- begin of the figures: ${part} -->\n`, `<!-- end of the figures: ${part} -->\n`]
  const [before = '', rest = ''] = readFileSync(file, 'utf8').split(begin)
  const [, after = ''] = rest.split(end)
  writeFileSync(file, `${before}${begin}${text}\n\n${end}${after}`)
}
