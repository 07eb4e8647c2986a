// The stream of events over HTTP: what changes, told at once.
import type { z } from 'zod'
import { type EndReason, LiveEvents } from '../../contract/live.ts'
import { livePaths } from '../../contract/paths.ts'
import type { VaultNews, WatchPlace } from '../../domain/live/watches.ts'
import { type EventFeed, type EventSink, EventStream, eventStream } from '../../http/event-stream.ts'
import { requestClient } from '../../http/route.ts'
import { route } from './route.ts'

type Events = typeof LiveEvents

const eventOf = <Name extends keyof Events>(event: Name, data: z.input<Events[Name]>) => ({
  event,
  data: JSON.stringify(LiveEvents[event].parse(data)),
})

const newsOf = (news: VaultNews) =>
  [...news].map(([id, revision]) =>
    revision === null ? eventOf('vault-gone', { id }) : eventOf('vault', { id, revision }),
  )

/** Infinity, for what never ends, has no time. */
const timeOf = (ms: number) => (Number.isFinite(ms) ? new Date(ms).toISOString() : null)

/** Writes what a watch is told as events. */
const feedOf = (place: WatchPlace): EventFeed => ({
  start: (sink: EventSink) =>
    place.start({
      state: ({ vaults, more, endsAt }) =>
        sink.send(eventOf('state', { vaults: [...vaults], more, endsAt: timeOf(endsAt) })),
      changed: (news) => sink.send(...newsOf(news)),
      accountChanged: () => sink.send(eventOf('account', {})),
      ended(reason: EndReason) {
        sink.send(eventOf('end', { reason }))
        sink.end()
      },
    }),
  stop: () => place.close(),
})

const stream = route({
  method: 'get',
  path: livePaths.events,
  operationId: 'streamEvents',
  tag: 'Live',
  summary: 'What changes in the vaults of the account, as server-sent events',
  description:
    'Revisions and ids, and nothing of the content: what changed, `changes` tells by its cursor. The events are `state` (first, and whenever something may have been missed), `vault`, `vault-gone`, `account` and `end`; pass over others. A comment comes every 25 seconds. The stream ends with the session or the token that opened it, and when the server stops: then open another one after a random time of up to ten seconds. With a personal access token for one vault it tells of that one.',
  auth: 'reader',
  limit: 'read',
  request: { client: requestClient.pick({ address: true }) },
  success: { 200: eventStream },
  problems: [],
  async handler({ caller, client: { address } }, { watches }) {
    return { status: 200, body: new EventStream(feedOf(watches.reserve('events', caller, address))) }
  },
})

export const eventRoutes = [stream]
