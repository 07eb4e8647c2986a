// An S3-compatible server for a test, in this process.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from '@20minutes/s3rver'
import { freePort } from './free-port.ts'

export interface ObjectServer {
  /** What S3_URL is to be. */
  readonly setting: string
  /** Stops it for a while. @returns what starts it again */
  pause(): Promise<() => Promise<void>>
  close(): Promise<void>
}

export async function startObjectServer(): Promise<ObjectServer> {
  const directory = await mkdtemp(join(tmpdir(), 'limpet-objects-'))
  const port = await freePort()
  const make = async () => {
    const server = new S3rver({
      address: '127.0.0.1',
      port,
      silent: true,
      directory,
      configureBuckets: [{ name: 'files' }],
    })
    await server.run()
    return server
  }
  let server = await make()
  return {
    setting: `http://S3RVER:S3RVER@127.0.0.1:${port}/files/of/limpet`,
    async pause() {
      await server.close()
      return async () => {
        server = await make()
      }
    },
    async close() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
