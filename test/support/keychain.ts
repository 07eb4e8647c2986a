// What stands in the place of the system's keychain, and a real one: gnome-keyring on a bus of its own.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { SecretStore } from '../../src/cli/keychain.ts'

/** @param kept what is in it, by name, so that a test can look */
export const memoryKeychain = (kept = new Map<string, Uint8Array>()): SecretStore => ({
  save: async (name, secret) => void kept.set(name, secret),
  load: async (name) => kept.get(name),
  remove: async (name) => void kept.delete(name),
})

/** @returns why this machine has no Secret Service that a test could start, or undefined */
export function withoutSecretService(): string | undefined {
  if (process.platform !== 'linux') return 'the Secret Service is that of Linux'
  const missing = ['dbus-daemon', 'gnome-keyring-daemon'].find(
    (name) => spawnSync(name, ['--version']).error !== undefined,
  )
  return missing && `${missing} is not installed on this machine`
}

/**
 * Starts an unlocked keyring of its own, which ends with the test.
 * @param folder an empty one, for what it keeps
 * @returns the environment by which programs reach it
 */
export async function startSecretService(folder: string): Promise<{ DBUS_SESSION_BUS_ADDRESS: string }> {
  const home = join(folder, 'keyring')
  await mkdir(home, { mode: 0o700 })
  const environment = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: home }
  const started = (program: string, args: string[], input?: string, more = {}) => {
    const child = spawn(program, args, {
      env: { ...environment, ...more },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    child.stdin.end(input)
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill()
      await once(child, 'exit')
    })
    return child
  }
  const bus = started('dbus-daemon', ['--session', '--nofork', '--print-address'])
  const [address] = await once(bus.stdout.setEncoding('utf8'), 'data')
  const reached = { DBUS_SESSION_BUS_ADDRESS: String(address).trim() }
  const options = ['--foreground', '--unlock', '--components=secrets', `--control-directory=${home}`]
  const keyring = started('gnome-keyring-daemon', options, 'the password of the desktop', reached)
  // It says where it is once it has the bus's name.
  await once(keyring.stdout, 'data')
  return reached
}
