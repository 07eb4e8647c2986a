// A real browser for the tests of the pages: Chromium as the system has it, or the one that CHROMIUM names.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const isRoot = process.getuid?.() === 0

/** Installs Chromium where that is possible, and says what to do where it is not. */
function findChromium(): string {
  const executable = process.env.CHROMIUM ?? '/usr/bin/chromium'
  if (existsSync(executable)) return executable
  if (process.env.CHROMIUM !== undefined)
    throw new Error(`CHROMIUM names ${executable}, which does not exist. Give it the path of a Chromium.`)
  if (!isRoot || !existsSync('/usr/bin/apt-get'))
    throw new Error(
      'The tests of the pages need Chromium: install it ("apt-get install chromium"), or set CHROMIUM to its path.',
    )
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' })
  execFileSync('apt-get', ['install', '-y', '-qq', 'chromium'], { stdio: 'inherit' })
  return executable
}

/** @param args further switches of Chromium */
export const launchBrowser = (args: string[] = []): Promise<Browser> =>
  chromium.launch({
    executablePath: findChromium(),
    // Its sandbox refuses to run as root.
    args: [...(isRoot ? ['--no-sandbox'] : []), ...args],
  })
