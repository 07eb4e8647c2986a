// The hubs that Bitwarden's apps listen at over a WebSocket: of an account, and of one request to log in with another device.
import { z } from 'zod'
import { bitwardenHubPaths } from '../../contract/bitwarden-paths.ts'
import { VaultCaller } from '../../domain/caller.ts'
import { Failure } from '../../domain/failure.ts'
import { bitwardenRevision } from '../../domain/identity/bitwarden-accounts.ts'
import { anyQuery, requestClient } from '../../http/route.ts'
import { WebSocketAnswer, webSocket } from '../../http/web-socket.ts'
import type { Reader } from '../../store/store.ts'
import { accountFeed, hubFeed } from './hub-feed.ts'
import { answerMessage } from './hub-messages.ts'
import { route } from './route.ts'
import { close } from './signalr.ts'

/** Of an account that is gone, none: its sessions are over, and so is the hub. */
const revisionOf = (reader: Reader, caller: { accountId: string }) =>
  bitwardenRevision(reader, caller).catch((error: unknown) => {
    if (error instanceof Failure) return 0
    throw error
  })

/** Counted with the streams of Limpet's own API. Ends with the session. */
const hub = route({
  method: 'get',
  path: bitwardenHubPaths.hub,
  auth: 'listener',
  limit: 'read',
  request: { query: anyQuery, client: requestClient.pick({ address: true }) },
  success: { 101: webSocket },
  async handler({ caller, client: { address } }, { clock, watches }) {
    const place = watches.reserve('hubs', VaultCaller.bySession(caller), address)
    const feed = accountFeed(place, {
      accountId: caller.accountId,
      clock,
      revision: (reader) => revisionOf(reader, caller),
    })
    return { status: 101, body: new WebSocketAnswer(feed) }
  },
})

/** For a device that waits to be let in. It asks by itself, too, so that it may be told nothing here. */
const anonymousHub = route({
  method: 'get',
  path: bitwardenHubPaths.anonymousHub,
  auth: 'public',
  limit: 'read',
  request: {
    query: z.looseObject({ Token: z.guid().toLowerCase() }),
    client: requestClient.pick({ address: true }),
  },
  success: { 101: webSocket },
  async handler({ client: { address }, query: { Token: id } }, { loginAnswers }) {
    const place = loginAnswers.reserve(id, address)
    const feed = hubFeed({
      begin: (sink) =>
        place.start({
          answered: (accountId) => sink.send(answerMessage(id, accountId)),
          ended() {
            sink.send(close(true))
            sink.end(1001)
          },
        }),
      stop: () => place.close(),
    })
    return { status: 101, body: new WebSocketAnswer(feed) }
  },
})

export const hubRoutes = [hub, anonymousHub]
