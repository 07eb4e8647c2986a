// What the bench says: it counts what was answered, tells each refusal, and takes the processor time of the server and what it started.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { figure, percentile, table } from '../../bench/figures.ts'
import { measure } from '../../bench/load.ts'
import { draw } from '../../bench/pictures.ts'
import { onlyPath } from '../../bench/place.ts'
import { replacePart } from '../../bench/results.ts'
import { nothing, usageOf } from '../../bench/usage.ts'

describe('a measurement', () => {
  let refuses = false
  const server = createServer((_req, res) => void res.writeHead(refuses ? 503 : 200).end('{}'))
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const address = server.address()
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(() => void server.close())

  const measured = () => {
    const own = { usage: () => usageOf(process.pid) }
    const target = { server: own, database: { usage: () => nothing }, place: onlyPath(url, '/') }
    return measure('get', target, 2, 0.1)
  }

  it('counts what was answered, and what that took', async () => {
    const figures = await measured()
    expect(figures.errors).toEqual([])
    expect(figures.perSecond).toBeGreaterThan(0)
    expect(figures.p50).toBeLessThanOrEqual(figures.p99)
    expect(figures.clientMicros).toBeGreaterThan(0)
    expect(figures.databaseMicros).toBe(0)
  })

  it('tells each connection that was refused, and measures again afterwards', async () => {
    refuses = true
    const { errors } = await measured()
    expect(errors).toHaveLength(2)
    expect(errors[0]).toContain('503')
    refuses = false
    expect((await measured()).errors).toEqual([])
  })
})

describe('what a process uses', () => {
  it.runIf(process.platform === 'linux')('is also what its children use', async () => {
    const before = usageOf(process.pid)
    const busy =
      'const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end); setInterval(() => {}, 1000); console.log()'
    const child = spawn(process.execPath, ['-e', busy], { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout, 'data')
    const during = usageOf(process.pid)
    child.kill()
    expect(during.processorMs - before.processorMs).toBeGreaterThanOrEqual(290)
    expect(during.residentMb).toBeGreaterThan(before.residentMb)
  })
})

describe('how figures are written', () => {
  it('takes percentiles from the numbers themselves', () => {
    expect([0.5, 0.99, 1].map((part) => percentile([5, 1, 4, 2, 3], part))).toEqual([3, 5, 5])
    expect(percentile([], 0.5)).toBeNaN()
  })

  it('writes as many digits as say something, and nothing for what was not measured', () => {
    expect([12_345.6, 99.6, 1.234, 0.0567, Number.NaN].map(figure)).toEqual([
      '12,346',
      '100',
      '1.2',
      '0.057',
      '',
    ])
    expect(table(['a', 'b'], [['x', '1']])).toBe('| a | b |\n| --- | ---: |\n| x | 1 |')
  })

  it('replaces what stands between two markers, and refuses a document without them', () => {
    const document = 'a\n<!-- begin of the figures: x -->\nold\n\n<!-- end of the figures: x -->\nb\n'
    expect(replacePart(document, 'x', 'new')).toBe(document.replace('old', 'new'))
    expect(() => replacePart(document, 'y', 'new')).toThrow('no place')
  })

  it('draws a line for each name, on light and dark pages, and nothing that is not a number', () => {
    const lines = [
      {
        name: 'a <b>',
        points: [
          [1, 10],
          [16, 1000],
        ] as const,
      },
      {
        name: 'unmeasured',
        points: [
          [1, Number.NaN],
          [4, Number.POSITIVE_INFINITY],
        ] as const,
      },
    ]
    const svg = draw({ title: 't', x: 'x', y: 'y', lines })
    expect(svg.match(/<polyline/g)).toHaveLength(1)
    expect(svg).toContain('a &lt;b&gt;')
    expect(svg).toContain('prefers-color-scheme: dark')
    expect(svg).not.toMatch(/NaN|Infinity|unmeasured/)
  })
})
