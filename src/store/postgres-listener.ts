// Hears what other processes announce through Postgres (LISTEN and NOTIFY), and tells them what may be told after the commit, on a
// connection of its own that comes back by itself.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { seconds } from '../clock.ts'
import { type Announcements, NewestOfTopics, type TopicalAnnouncement } from './announcements.ts'

const channel = 'limpet'
const listen = `listen ${channel}`

/**
 * Announces many messages. What is told is committed already, so that nothing has to wait for the disk. That is set for this statement
 * alone: a pooler would give the connection to others.
 */
const tellStatement = `
  with quick as materialized (select set_config('synchronous_commit', 'off', true))
  select pg_notify($1, message) from quick, unnest($2::text[]) as told(message)`

/** Between attempts to connect again, in milliseconds: doubled after each, up to the maximum. */
const [firstPauseMs, maxPauseMs] = [50, 5000]

/** How often the connection is tried, and how long Postgres may take: nothing else tells that a network has lost it. */
const trialMs = seconds(5)

/** Between two statements that announce: what comes up meanwhile is told by the next one. */
const tellPauseMs = 10

/** Announcements in one statement, and how many wait while there is no connection; what is beyond is lost. */
const [perStatement, maxWaiting] = [500, 10_000]

export interface PostgresListener {
  /** The statement that announces to other processes, once the transaction that it is part of is committed. */
  notification(message: string): { text: string; values: string[] }
  /** Connects, if it has not yet. */
  start(): void
  /** Announces to other processes what is committed already. */
  tellOthers(announcement: TopicalAnnouncement): void
  /** Tells what waits to be told, then closes. */
  close(): Promise<void>
}

export function createPostgresListener(
  options: pg.ClientConfig,
  announcements: Announcements,
): PostgresListener {
  /** Told with every announcement, so that a process does not hear its own twice. */
  const self = randomUUID()
  const toTell = new NewestOfTopics()
  /** Connected, or being connected. */
  let client: pg.Client | undefined
  let isConnected = false
  let telling: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let pauseMs = firstPauseMs
  let isStarted = false
  let isClosed = false

  function hear({ payload = '' }: pg.Notification) {
    const [sender, message] = [payload.slice(0, self.length), payload.slice(self.length)]
    if (sender !== self) announcements.tell(message)
  }

  function start() {
    if (isStarted) return
    isStarted = true
    void connect()
  }

  async function connect(): Promise<void> {
    const connecting = new pg.Client({
      ...options,
      application_name: 'limpet listener',
      query_timeout: trialMs,
    })
    client = connecting
    connecting.on('notification', hear)
    connecting.on('error', () => {})
    connecting.once('end', () => lost(connecting))
    try {
      await connecting.connect()
      await connecting.query(listen)
      if (client !== connecting) return
      pauseMs = firstPauseMs
      isConnected = true
      // Whatever was announced before this moment was not heard.
      announcements.missed()
      tell()
      tryLater(connecting)
    } catch {
      lost(connecting)
    }
  }

  function tryLater(connected: pg.Client) {
    timer = setTimeout(() => {
      connected.query(listen).then(
        () => client === connected && tryLater(connected),
        () => lost(connected),
      )
    }, trialMs).unref()
  }

  function lost(former: pg.Client) {
    if (client !== former) return
    client = undefined
    isConnected = false
    clearTimeout(timer)
    // One that the network has lost may take minutes to end.
    void former.end().catch(() => {})
    if (isClosed) return
    timer = setTimeout(() => void connect(), pauseMs).unref()
    pauseMs = Math.min(2 * pauseMs, maxPauseMs)
  }

  function tell() {
    telling ??= tellAll().finally(() => {
      telling = undefined
    })
  }

  /** One statement after the other, each with all that has come up since the one before. */
  async function tellAll(): Promise<void> {
    while (isConnected && client && toTell.size > 0) {
      const announced = toTell.take(perStatement)
      const messages = announced.map(({ message }) => self + message)
      try {
        await client.query({
          name: 'tell',
          text: tellStatement,
          values: [channel, messages],
        })
      } catch {
        // The connection is lost, or about to be: it is tried again on the next one.
        for (const announcement of announced) toTell.add(announcement)
        return
      }
      if (!isClosed) await pause(tellPauseMs)
    }
  }

  return {
    notification: (message) => ({ text: 'select pg_notify($1, $2)', values: [channel, self + message] }),
    start,
    tellOthers(announcement) {
      if (toTell.size < maxWaiting) toTell.add(announcement)
      start()
      tell()
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await telling
      const open = client
      client = undefined
      isConnected = false
      await open?.end().catch(() => {})
    },
  }
}
