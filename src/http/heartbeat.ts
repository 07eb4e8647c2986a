// Has every stream show that it lives, one after the other: a timer for each would cost more, and one moment for all would keep
// requests waiting.

/** @returns what ends it */
export type Heartbeat = (beat: () => void) => () => void

/** So many parts of the time each have their streams. */
const parts = 25

/** @param everyMs how often each of them is to show it, in milliseconds */
export function createHeartbeat(everyMs: number): Heartbeat {
  const slots = Array.from({ length: parts }, () => new Set<() => void>())
  let [size, now] = [0, 0]
  let timer: NodeJS.Timeout | undefined

  function step() {
    now = (now + 1) % parts
    for (const beat of slots[now] ?? []) beat()
  }

  return (beat) => {
    const slot = slots[now]
    slot?.add(beat)
    size++
    timer ??= setInterval(step, everyMs / parts).unref()
    return () => {
      if (!slot?.delete(beat)) return
      size--
      if (size > 0) return
      clearInterval(timer)
      timer = undefined
    }
  }
}
