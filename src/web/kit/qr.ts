// A link as a QR code, drawn as SVG.
import { generate } from 'lean-qr/nano'
import { svg } from './dom.ts'

/** The light border that readers need, in modules (ISO/IEC 18004). */
const quiet = 4

export function qrCode(text: string): SVGSVGElement {
  const code = generate(text)
  const modules: string[] = []
  for (let y = 0; y < code.size; y++)
    for (let x = 0; x < code.size; x++) if (code.get(x, y)) modules.push(`M${x + quiet} ${y + quiet}h1v1h-1z`)
  const side = code.size + 2 * quiet
  return svg(
    'svg',
    { class: 'qr', role: 'img', viewBox: `0 0 ${side} ${side}`, 'aria-label': (m) => m.qrCode },
    // Dark on light, whatever the page's colours are: many readers know nothing else.
    svg('rect', { width: `${side}`, height: `${side}`, fill: '#fff' }),
    svg('path', { d: modules.join(''), fill: '#000' }),
  )
}
