// The secret itself: as text that keeps every character, or as a file where it is no text.
import { copyButton } from '../kit/controls.ts'
import { h } from '../kit/dom.ts'
import { show } from '../kit/frame.ts'
import { textOf } from './secret.ts'

const aMinute = 60_000

function downloadButton(secret: Uint8Array<ArrayBuffer>, name: string): HTMLElement {
  const button = h('button', { type: 'button' }, (m) => m.download)
  button.addEventListener('click', () => {
    // Of no type that a browser would open, or change, by itself.
    const address = URL.createObjectURL(new Blob([secret], { type: 'application/octet-stream' }))
    h('a', { href: address, download: name }).click()
    // Some browsers read it only later; at once, it would be gone before.
    setTimeout(() => URL.revokeObjectURL(address), aMinute)
  })
  return button
}

function showFile(secret: Uint8Array<ArrayBuffer>): void {
  const download = downloadButton(secret, 'secret.bin')
  download.classList.add('main')
  show(
    (m) => m.shownTitle,
    h('p', { class: 'lead' }, (m) => m.shownFile),
    download,
  )
}

function showText(text: string, secret: Uint8Array<ArrayBuffer>): void {
  const shown = h(
    'pre',
    { id: 'secret', class: 'secret', tabindex: '0', 'aria-label': (m) => m.secret },
    text,
  )
  const [copy, copied] = copyButton((m) => m.copySecret, text, shown)
  copy.classList.add('main')
  const buttons = h('div', { class: 'buttons' }, copy, downloadButton(secret, 'secret.txt'))
  show(
    (m) => m.shownTitle,
    h('p', { class: 'lead' }, (m) => m.shown),
    shown,
    buttons,
    copied,
  )
}

export function showSecret(secret: Uint8Array<ArrayBuffer>): void {
  const text = textOf(secret)
  if (text === undefined) showFile(secret)
  else showText(text, secret)
}
