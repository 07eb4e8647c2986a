// Streams of events, followed as a client does it, for as long as something is done to the servers behind them.
import { setTimeout as pause } from 'node:timers/promises'
import { LiveEvents } from '../../src/contract/live.ts'
import { type EventReader, openEvents } from '../support/events.ts'
import type { Server } from '../support/requests.ts'

/** The longest time before a stream is opened again, in milliseconds. Clients take longer. */
const jitterMs = 2000

export interface Follower {
  /** The highest revision of a vault that it was told of. */
  revisionOf(vaultId: string): number
  /** How each of its streams ended so far: the reason that was told, or `broken`, or what an attempt to open one failed with. */
  readonly ends: readonly string[]
  stop(): Promise<void>
}

export function follow(server: Server, token: string): Follower {
  const revisions = new Map<string, number>()
  const ends: string[] = []
  let stream: EventReader | undefined
  let isRunning = true

  function note({ id, revision }: { id: string; revision: number }) {
    revisions.set(id, Math.max(revision, revisions.get(id) ?? 0))
  }

  /** @returns how the stream ended */
  async function read(reader: EventReader): Promise<string> {
    for (;;) {
      const { event, data } = await reader.next()
      if (event === 'state') LiveEvents.state.parse(data).vaults.forEach(note)
      if (event === 'vault') note(LiveEvents.vault.parse(data))
      if (event === 'end') return LiveEvents.end.parse(data).reason
    }
  }

  async function run() {
    while (isRunning) {
      try {
        stream = await openEvents(server, token)
        const reason = await read(stream).catch(() => 'broken')
        if (isRunning) ends.push(reason)
      } catch (error) {
        if (isRunning) ends.push(String(error))
      }
      if (isRunning) await pause(Math.random() * jitterMs)
    }
  }

  const running = run()
  return {
    revisionOf: (vaultId) => revisions.get(vaultId) ?? 0,
    ends,
    async stop() {
      isRunning = false
      stream?.close()
      await running
    },
  }
}
