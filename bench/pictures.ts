// Pictures of figures: lines over two axes that both count in powers of ten, as SVG that can be read on light and dark pages.
import { writeFileSync } from 'node:fs'
import { figure } from './figures.ts'

interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Picture {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly lines: readonly Line[]
}

const [width, height] = [760, 400]
const plot = { left: 64, right: 520, top: 44, bottom: 340 }
/** Told apart on white and on black, and by those who see no red and green (after Okabe and Ito). */
const colours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8a8a8a']
/** Dashed as well, so that a print in grey can be read. */
const dashes = ['', '7 4', '2 4']

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The values that an axis names: 1, 2 and 5 times the powers of ten, or the powers alone where that is too many. */
function ticks(least: number, most: number): number[] {
  const powers: number[] = []
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++)
    powers.push(10 ** power)
  const isWide = most / least > 1000
  return powers
    .flatMap((power) => (isWide ? [power] : [power, 2 * power, 5 * power]))
    .filter((tick) => tick >= least && tick <= most)
}

/** @returns the place of a value on an axis, in pixels */
function axis(values: readonly number[], from: number, to: number): (value: number) => number {
  const [least, most] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))]
  return (value) => from + ((Math.log(value) - least) / (most - least || 1)) * (to - from)
}

/** Moves names apart that would lie on one another. */
function spread(places: readonly number[]): number[] {
  const order = places.map((_, index) => index).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0))
  const moved = [...places]
  let free = plot.top
  for (const index of order) {
    moved[index] = Math.max(free, places[index] ?? 0)
    free = (moved[index] ?? 0) + 16
  }
  return moved
}

/** @returns the picture as SVG; what was not measured is left out */
export function draw({ title, x, y, lines: all }: Picture): string {
  const lines = all
    .map(({ name, points }) => ({
      name,
      points: points.filter(([, value]) => value > 0 && Number.isFinite(value)),
    }))
    .filter(({ points }) => points.length > 0)
  if (lines.length === 0) throw new Error(`There is nothing to draw: ${title}`)
  const xs = lines.flatMap(({ points }) => points.map(([value]) => value))
  const ys = lines.flatMap(({ points }) => points.map(([, value]) => value))
  const toX = axis(xs, plot.left, plot.right)
  const toY = axis(ys, plot.bottom, plot.top)
  const round = (value: number) => value.toFixed(1)
  const ends = spread(lines.map(({ points }) => toY(points.at(-1)?.[1] ?? 1)))
  const content = [
    `<text class="title" x="${plot.left}" y="20">${escaped(title)}</text>`,
    ...ticks(Math.min(...ys), Math.max(...ys)).flatMap((tick) => [
      `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${round(toY(tick))}" y2="${round(toY(tick))}"/>`,
      `<text x="${plot.left - 8}" y="${round(toY(tick) + 4)}" text-anchor="end">${figure(tick)}</text>`,
    ]),
    ...[...new Set(xs)].map(
      (value) =>
        `<text x="${round(toX(value))}" y="${plot.bottom + 20}" text-anchor="middle">${value.toLocaleString('en')}</text>`,
    ),
    `<line class="axis" x1="${plot.left}" x2="${plot.right}" y1="${plot.bottom}" y2="${plot.bottom}"/>`,
    `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 44}" text-anchor="middle">${escaped(x)}</text>`,
    `<text x="${plot.left}" y="${plot.top - 8}">${escaped(y)}</text>`,
    ...lines.flatMap(({ name, points }, index) => {
      const colour = colours[index % colours.length]
      const dash = dashes[Math.floor(index / colours.length + index) % dashes.length]
      const path = points.map(([px, py]) => `${round(toX(px))},${round(toY(py))}`).join(' ')
      const [lastX = 0] = points.at(-1) ?? []
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`,
        ...points.map(
          ([px, py]) => `<circle cx="${round(toX(px))}" cy="${round(toY(py))}" r="3" fill="${colour}"/>`,
        ),
        `<line class="grid" x1="${round(toX(lastX))}" y1="${round(toY(points.at(-1)?.[1] ?? 1))}" x2="${plot.right + 10}" y2="${round(ends[index] ?? 0)}"/>`,
        `<text x="${plot.right + 14}" y="${round((ends[index] ?? 0) + 4)}" style="fill: ${colour}">${escaped(name)}</text>`,
      ]
    }),
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    '<style>',
    'text { font: 12px sans-serif; fill: #333 } .title { font-size: 15px; font-weight: bold }',
    '.grid { stroke: #ddd } .axis { stroke: #333 }',
    '@media (prefers-color-scheme: dark) { text { fill: #ccc } .grid { stroke: #444 } .axis { stroke: #ccc } }',
    '</style>',
    ...content,
    '</svg>',
    '',
  ].join('\n')
}

/** Draws a picture into bench/pictures. */
export const writePicture = (name: string, picture: Picture) =>
  writeFileSync(new URL(`./pictures/${name}.svg`, import.meta.url), draw(picture))
