// A server that is away, and one whose backup was restored.
import { copyFile } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import { createDatabase } from './database.ts'
import { freePort } from './free-port.ts'
import { startServer } from './server.ts'

/** A server that stops and starts at the same address, and goes back to a backup. */
export async function restartableServer() {
  const database = await createDatabase('sqlite')
  const path = database.url.replace(/^file:/, '')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const start = () =>
    startServer('sqlite', { database, environment: { PORT: String(port), PUBLIC_URL: url } })
  let server = await start()
  let running = true
  const stop = async () => {
    if (running) await server.stop()
    running = false
  }
  onTestFinished(async () => {
    await stop()
    await database.remove()
  })
  const restart = async () => {
    server = await start()
    running = true
  }
  return {
    url,
    stop,
    restart,
    async backUp() {
      await stop()
      await copyFile(path, `${path}.backup`)
      await restart()
    },
    async restoreBackup() {
      await stop()
      await copyFile(`${path}.backup`, path)
      const restored = new Database(path)
      restored.prepare("update instance set epoch = 'another'").run()
      restored.close()
      await restart()
    },
  }
}
