// The thread of `measureAttack` that attacks.
import { Agent } from 'node:https'
import { parentPort, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { attack } from './attack.ts'

const Task = z.object({
  url: z.string(),
  account: z.object({ token: z.string(), vaultId: z.string() }),
  ms: z.number(),
  ca: z.string().optional(),
})

const { url, account, ms, ca } = Task.parse(workerData)
const agent = ca === undefined ? undefined : new Agent({ ca })
parentPort?.postMessage(await attack({ url, ...(agent && { agent }) }, { account, ms, ca }))
