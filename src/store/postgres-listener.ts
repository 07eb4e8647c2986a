// Hears what other processes announce through Postgres (LISTEN and NOTIFY), on a connection of its own that comes back by itself.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Announcements } from './announcements.ts'

const channel = 'limpet'

/** Between attempts to connect again, in milliseconds: doubled after each, up to the maximum. */
const [firstPauseMs, maxPauseMs] = [50, 5000]

export interface PostgresListener {
  /** The statement that announces to other processes, once the transaction that it is part of is committed. */
  notification(message: string): { text: string; values: string[] }
  /** Connects, if it has not yet. */
  start(): void
  close(): Promise<void>
}

export function createPostgresListener(
  options: pg.ClientConfig,
  announcements: Announcements,
): PostgresListener {
  /** Told with every announcement, so that a process does not hear its own twice. */
  const self = randomUUID()
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let pauseMs = firstPauseMs
  let isStarted = false
  let isClosed = false

  function hear({ payload = '' }: pg.Notification) {
    const [sender, message] = [payload.slice(0, self.length), payload.slice(self.length)]
    if (sender !== self) announcements.tell(message)
  }

  async function connect(): Promise<void> {
    const connecting = new pg.Client({ ...options, application_name: 'limpet listener' })
    client = connecting
    connecting.on('notification', hear)
    connecting.on('error', () => {})
    connecting.once('end', () => {
      if (client === connecting) reconnectLater()
    })
    try {
      await connecting.connect()
      await connecting.query(`listen ${channel}`)
      pauseMs = firstPauseMs
      // Whatever was announced before this moment was not heard.
      announcements.missed()
    } catch {
      // Ends it where it was connected; where it never was, nothing tells so.
      await connecting.end().catch(() => {})
      if (client === connecting) reconnectLater()
    }
  }

  function reconnectLater() {
    client = undefined
    if (isClosed) return
    timer = setTimeout(() => void connect(), pauseMs).unref()
    pauseMs = Math.min(2 * pauseMs, maxPauseMs)
  }

  return {
    notification: (message) => ({ text: 'select pg_notify($1, $2)', values: [channel, self + message] }),
    start() {
      if (isStarted) return
      isStarted = true
      void connect()
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      const open = client
      client = undefined
      await open?.end().catch(() => {})
    },
  }
}
