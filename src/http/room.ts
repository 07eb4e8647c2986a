// How much memory bodies and answers may take up at the same time, of all requests together and of one account or address: what
// does not fit waits, and does not take the process down.
import { seconds } from '../clock.ts'
import { PassingFailure } from '../domain/failure.ts'

const mebibyte = 1024 * 1024

/** What fits beside the program itself into a container of 512 MB: each byte counted here is held some three times on its way. */
const defaultSize = { total: 64 * mebibyte, each: 24 * mebibyte }

/** Below this a request is not counted: logins and the like always find room. */
const uncounted = 64 * 1024

const evictAfterMs = seconds(2)
const refuseAfterMs = seconds(10)
/** A body that is sent, or an answer that is read, for longer than this goes when others wait. */
const slowMs = seconds(30)

interface Holder {
  readonly key: string
  readonly bytes: number
  /** By `performance.now()`. */
  readonly since: number
  /** Ends the request. */
  evict(): void
}

interface Wanted {
  readonly key: string
  readonly bytes: number
}

interface Waiter extends Wanted {
  enter(): void
}

export interface Room {
  /**
   * Waits for room for one request.
   * @param key whose request it is, as rate limits count it
   * @param bytes how much its body and its answer may take together
   * @param evict ends the request, if it is slow and others wait
   * @returns what gives the room back; it does so once
   * @throws too-many-requests or unavailable if there is none within ten seconds
   */
  take(key: string, bytes: number, evict: () => void): Promise<() => void>
}

/** @param size in bytes: of all requests together, and of those of one key */
export function createRoom(size = defaultSize): Room {
  const holders = new Set<Holder>()
  const waiting = new Set<Waiter>()
  const held = new Map<string, number>()
  let total = 0

  const heldBy = (key: string) => held.get(key) ?? 0
  // A key that holds nothing may have one request, however large.
  const fitsKey = ({ key, bytes }: Wanted) => heldBy(key) === 0 || heldBy(key) + bytes <= size.each
  const fits = (wanted: Wanted) => fitsKey(wanted) && (total === 0 || total + wanted.bytes <= size.total)

  function count(key: string, bytes: number) {
    total += bytes
    const now = heldBy(key) + bytes
    if (now === 0) held.delete(key)
    else held.set(key, now)
  }

  /** In the order in which they came, but no request waits behind one whose own key is full. */
  function admit() {
    for (const waiter of waiting) {
      if (fits(waiter)) waiter.enter()
      else if (fitsKey(waiter)) return
    }
  }

  function hold(holder: Holder): () => void {
    holders.add(holder)
    count(holder.key, holder.bytes)
    return () => {
      if (!holders.delete(holder)) return
      count(holder.key, -holder.bytes)
      admit()
    }
  }

  function evictSlow() {
    const now = performance.now()
    for (const holder of holders) if (now - holder.since > slowMs) holder.evict()
  }

  return {
    take(key, bytes, evict) {
      if (bytes < uncounted) return Promise.resolve(() => {})
      if (waiting.size === 0 && fits({ key, bytes }))
        return Promise.resolve(hold({ key, bytes, since: performance.now(), evict }))
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          key,
          bytes,
          enter() {
            waiting.delete(waiter)
            clearTimeout(evicting)
            clearTimeout(refusing)
            resolve(hold({ key, bytes, since: performance.now(), evict }))
          },
        }
        waiting.add(waiter)
        const evicting = setTimeout(evictSlow, evictAfterMs)
        const refusing = setTimeout(() => {
          waiting.delete(waiter)
          reject(
            fitsKey(waiter)
              ? new PassingFailure('unavailable', 'The server has too many large requests at the moment.', 5)
              : new PassingFailure(
                  'too-many-requests',
                  'Too many large requests at the same time. Try again in 5 s.',
                  5,
                ),
          )
          admit()
        }, refuseAfterMs)
        admit()
      })
    },
  }
}
