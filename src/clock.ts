// Time, handed in wherever it matters, so that expiry is tested by moving the clock.
export interface Clock {
  /** Milliseconds since 1970 in UTC; may jump when somebody sets the clock. */
  now(): number
  /** Milliseconds since an arbitrary moment; never jumps. For "how long ago" inside this process. */
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

export const seconds = (count: number) => count * 1000
export const minutes = (count: number) => seconds(count * 60)
export const hours = (count: number) => minutes(count * 60)
export const days = (count: number) => hours(count * 24)
