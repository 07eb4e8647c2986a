// A thread that computes OPAQUE: it answers one call after the other, in the order of their coming.
import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { type Computed, createOpaqueCalls, type OpaqueCall } from './opaque-library.ts'

export interface CallMessage extends OpaqueCall {
  readonly id: number
}

export interface ComputedMessage {
  readonly id: number
  readonly computed: Computed
}

// On Linux this is about the calling thread alone: where cores are short, the event loop comes first.
if (process.platform === 'linux') setPriority(Math.min(getPriority() + 5, 19))

const setup: unknown = workerData
if (typeof setup !== 'string' || !parentPort) throw new Error('This is a thread of limpet-server')
const port = parentPort
const calls = await createOpaqueCalls(setup)
port.on('message', ({ id, name, given }: CallMessage) => {
  const answer: ComputedMessage = { id, computed: calls[name](...given) }
  port.postMessage(answer)
})
