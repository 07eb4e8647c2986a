// Room for large bodies and answers: what does not fit waits its turn, and nobody waits behind somebody else's own crowd.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRoom } from '../../src/http/room.ts'

const kibibyte = 1024

describe('room', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  const room = () => createRoom({ total: 1000 * kibibyte, each: 400 * kibibyte })
  const nothing = () => {}

  it('is there for small requests, however full it is', async () => {
    const { take } = room()
    await take('a', 5000 * kibibyte, nothing)
    await take('a', 4 * kibibyte, nothing)
  })

  it('is bounded for each key, and those of others do not wait behind it', async () => {
    const { take } = room()
    const release = await take('a', 300 * kibibyte, nothing)
    const entered: string[] = []
    const second = take('a', 200 * kibibyte, nothing).then((done) => {
      entered.push('a')
      return done
    })
    await take('b', 300 * kibibyte, nothing).then(() => entered.push('b'))
    expect(entered).toEqual(['b'])
    release()
    release()
    await second
    expect(entered).toEqual(['b', 'a'])
  })

  it('is given in turn, also to one that needs much', async () => {
    const { take } = room()
    const releases = await Promise.all(['a', 'b', 'c'].map((key) => take(key, 330 * kibibyte, nothing)))
    const entered: string[] = []
    const large = take('d', 900 * kibibyte, nothing).then(() => entered.push('d'))
    void take('e', 100 * kibibyte, nothing).then(() => entered.push('e'))
    for (const release of releases) {
      expect(entered).toEqual([])
      release()
      await Promise.resolve()
    }
    await large
    await vi.advanceTimersByTimeAsync(1)
    expect(entered).toEqual(['d', 'e'])
  })

  it('is refused after a while, and whoever takes long goes for those who wait', async () => {
    const { take } = room()
    let evicted = 0
    await take('a', 400 * kibibyte, () => (evicted += 1))
    const own = expect(take('a', 100 * kibibyte, nothing)).rejects.toMatchObject({
      code: 'too-many-requests',
    })
    await vi.advanceTimersByTimeAsync(10_000)
    await own
    expect(evicted).toBe(0)
    await take('b', 400 * kibibyte, nothing)
    await vi.advanceTimersByTimeAsync(25_000)
    const others = expect(take('c', 400 * kibibyte, nothing)).rejects.toMatchObject({ code: 'unavailable' })
    await vi.advanceTimersByTimeAsync(3_000)
    expect(evicted).toBe(1)
    await vi.advanceTimersByTimeAsync(10_000)
    await others
  })
})
