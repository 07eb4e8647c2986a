// The controls that both pages have: buttons that work for a while, sentences under them, and copying.
import { h, say } from './dom.ts'
import type { Message } from './language.ts'

/** A sentence that is read out as soon as it is there. */
export const alertLine = (id: string): HTMLElement => {
  const line = h('p', { id, class: 'alert', role: 'alert', tabindex: '-1' })
  line.hidden = true
  return line
}

/** Says what went wrong and moves to it. */
export function complain(line: HTMLElement, message: Message, focused: HTMLElement = line): void {
  say(line, message)
  focused.focus()
}

/** Shown as it is typed: it is read out to somebody, or was. Nothing completes, corrects or checks it elsewhere. */
export function passphraseField(
  label: Message,
  hint: Message,
): { element: HTMLElement; input: HTMLInputElement } {
  const input = h('input', {
    id: 'passphrase',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    'aria-describedby': 'passphrase-hint',
  })
  const note = h('p', { id: 'passphrase-hint', class: 'soft' }, hint)
  return { element: h('div', { class: 'field' }, h('label', { for: input.id }, label), input, note), input }
}

/** Runs `work`, during which the button says so and does nothing. It stays in its place, and so does the focus. */
export async function whileBusy(
  button: HTMLButtonElement,
  [idle, busy]: readonly [Message, Message],
  work: () => Promise<void>,
): Promise<void> {
  if (button.getAttribute('aria-disabled') === 'true') return
  button.setAttribute('aria-disabled', 'true')
  say(button, busy)
  try {
    await work()
  } finally {
    button.removeAttribute('aria-disabled')
    say(button, idle)
  }
}

function select(element: HTMLElement) {
  const selection = getSelection()
  selection?.removeAllRanges()
  selection?.selectAllChildren(element)
}

/**
 * A button that copies `text`, and what it says of it.
 *
 * @param shown where the text stands, to be selected where the browser does not let the page copy
 */
export function copyButton(
  label: Message,
  text: string,
  shown: HTMLElement,
): [HTMLButtonElement, HTMLElement] {
  const button = h('button', { type: 'button' }, label)
  const outcome = h('p', { class: 'outcome', role: 'status' })
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text)
      say(outcome, (m) => m.copied)
    } catch {
      select(shown)
      say(outcome, (m) => m.copyFailed)
    }
  })
  return [button, outcome]
}
