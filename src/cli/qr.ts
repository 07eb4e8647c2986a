// A QR code for a terminal: two modules a character, dark on light whatever the terminal's colours are.
import { generate } from 'lean-qr'
import type { Line } from '../terminal/text.ts'

/** Modules around the code that have to be light (ISO/IEC 18004, section 6.3.8, wants four; two are enough for cameras). */
const quiet = 2

/** By the module above and the one below it. */
const halves = { '00': ' ', '10': '▀', '01': '▄', '11': '█' } as const

const bit = (dark: boolean) => (dark ? '1' : '0')

/** @returns lines that steer the terminal's colours: for a terminal only */
export function qrLines(text: string): Line[] {
  const code = generate(text)
  const rows = Array.from({ length: Math.ceil((code.size + 2 * quiet) / 2) }, (_, row) => 2 * row - quiet)
  const columns = Array.from({ length: code.size + 2 * quiet }, (_, column) => column - quiet)
  return rows.map((y) => {
    const line = columns.map((x) => halves[`${bit(code.get(x, y))}${bit(code.get(x, y + 1))}`])
    return { text: line.join(''), style: 'dark on light' }
  })
}
