// One connection to a hub: the handshake, then what the account's devices change. Clients say nothing but that they live.
import type { Clock } from '../../clock.ts'
import type { BitwardenChange } from '../../domain/live/announcements.ts'
import type { WatchPlace } from '../../domain/live/watches.ts'
import type { SocketFeed, SocketSink } from '../../http/web-socket.ts'
import type { Reader } from '../../store/store.ts'
import { changeMessage } from './hub-messages.ts'
import { agrees, close, handshakeAnswer, ping } from './signalr.ts'

/** A connection that was agreed on. */
interface Talk {
  begin(sink: SocketSink): void
  stop(): void
}

/** The handshake and the pings, around what a hub is for. */
export function hubFeed({ begin, stop }: Talk): SocketFeed {
  let sink: SocketSink | undefined
  let isAgreed = false
  return {
    start(given) {
      sink = given
    },
    received(message) {
      // What comes after the handshake says that the client lives, or asks for what is not offered.
      if (!sink || isAgreed) return
      isAgreed = agrees(message)
      sink.send(isAgreed ? handshakeAnswer.agreed : handshakeAnswer.refused)
      if (isAgreed) begin(sink)
      else sink.end(1002)
    },
    beat() {
      if (isAgreed) sink?.send(ping)
      else sink?.end(1002)
    },
    stop,
  }
}

/** Within so long a client is told of so many changes. More are told together, when the time is over: it loads its vault once. */
const [burstMs, burstSize] = [1000, 20]

interface Account {
  readonly accountId: string
  readonly clock: Clock
  /** The account's revision, in milliseconds since 1970. */
  revision(reader: Reader): Promise<number>
}

/** What the devices of an account are told of its changes. */
export function accountFeed(place: WatchPlace, { accountId, clock, revision }: Account): SocketFeed {
  let burst: NodeJS.Timeout | undefined
  /** How many were told in this burst, and what was not. */
  let [told, hasVault] = [0, false]
  let held: { at: number; by: string | null } | undefined
  /** The newest revision that the client was told of, or that there was when it came. */
  let newest: number | undefined

  function begin(sink: SocketSink) {
    function tell(change: BitwardenChange) {
      newest = Math.max(newest ?? 0, change.at)
      const { at, by, what } = change
      const isWhole = what === 'vault'
      if (what === 'log-out') return sink.send(changeMessage(change))
      // One that asks for the whole vault is enough for a burst, and takes in what comes behind it.
      if (held || (isWhole ? hasVault : told >= burstSize)) {
        // Two devices have caused it: neither is to pass it over.
        held = { at: Math.max(at, held?.at ?? at), by: held && held.by !== by ? null : by }
        return
      }
      told++
      hasVault ||= isWhole
      sink.send(changeMessage(change))
      // The items of a deleted folder are in no folder now.
      if (what === 'folder-deleted') tell({ ...change, what: 'vault' })
      burst ??= setTimeout(() => {
        const left = held
        ;[burst, told, hasVault, held] = [undefined, 0, false, undefined]
        if (left) tell({ kind: 'bitwarden-changed', accountId, what: 'vault', ...left })
      }, burstMs).unref()
    }
    place.start({
      bitwardenChanged(change) {
        // A device learns of the answer to its request at the hub that needs no login.
        if (change.what !== 'login-answered') tell(change)
      },
      async catchUp(reader) {
        const at = await revision(reader)
        if (newest !== undefined && at > newest)
          tell({ kind: 'bitwarden-changed', accountId, what: 'vault', at, by: null })
        newest = Math.max(newest ?? 0, at)
      },
      ended(reason) {
        const hasEnded = reason === 'session-ended'
        if (hasEnded) sink.send(changeMessage({ accountId, what: 'log-out', at: clock.now(), by: null }))
        sink.send(close(!hasEnded))
        sink.end(hasEnded ? 1000 : 1001)
      },
    })
  }
  return hubFeed({
    begin,
    stop() {
      clearTimeout(burst)
      place.close()
    },
  })
}
