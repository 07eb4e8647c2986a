// Writes figures into bench/RESULTS.md, and says where they come from.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()

const loadAtStart = loadavg()[0]?.toFixed(1)

/** What was measured, on what, and when. The load is that of before the bench itself. */
export const machine = () =>
  `Commit ${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src') ? ' with changes' : ''}, Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${new Date().toISOString().slice(0, 10)}, load ${loadAtStart} before it.`

/** @returns a document with other text between two of its markers; the text around it is written by hand */
export function replacePart(document: string, part: string, text: string): string {
  const [begin, end] = [`<!-- begin of the figures: ${part} -->\n`, `<!-- end of the figures: ${part} -->\n`]
  const [from, to] = [document.indexOf(begin), document.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`RESULTS.md has no place for the figures "${part}"`)
  return `${document.slice(0, from)}${begin}${text}\n\n${document.slice(to)}`
}

export function writeResults(part: string, text: string) {
  process.stdout.write(`${text}\n`)
  const file = new URL('./RESULTS.md', import.meta.url)
  writeFileSync(
    file,
    replacePart(readFileSync(file, 'utf8'), part, `${machine()} ${text}`.replace(' \n', '\n')),
  )
}
