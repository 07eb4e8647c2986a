// Where the secret goes in: as text, or as a file whose bytes are kept as they are.
import { largestSecretBytes } from '../../contract/sizes.ts'
import { alertLine, complain } from '../kit/controls.ts'
import { h, say } from '../kit/dom.ts'
import { formatBytes } from '../kit/format.ts'
import type { Message } from '../kit/language.ts'

export interface SecretField {
  readonly element: HTMLElement
  /** What it holds now; undefined after it has said why that cannot be shared. */
  bytes(): Uint8Array | undefined
}

const tooLarge =
  (size: number): Message =>
  (m) =>
    m.tooLarge(formatBytes(size), formatBytes(largestSecretBytes))

export const hasFiles = ({ dataTransfer }: DragEvent): boolean =>
  dataTransfer?.types.includes('Files') ?? false

export function secretField(): SecretField {
  // Right under what it is about: on a small screen the end of the form is out of sight.
  const line = alertLine('secret-problem')
  const text = h('textarea', {
    id: 'secret',
    rows: '7',
    spellcheck: 'false',
    autocomplete: 'off',
    autocapitalize: 'off',
    'aria-describedby': `secret-hint secret-size ${line.id}`,
  })
  const size = h('span', { id: 'secret-size' })
  const picker = h('input', { type: 'file', id: 'file', class: 'unseen' })
  const chosen = h('p', { class: 'file' })
  const remove = h('button', { type: 'button' }, (m) => m.removeFile)
  const asFile = h(
    'div',
    { class: 'chosen' },
    chosen,
    h('p', { class: 'soft' }, (m) => m.fileNote),
    remove,
  )
  const asText = h(
    'div',
    {},
    text,
    h(
      'div',
      { class: 'beside' },
      h('span', { id: 'secret-hint' }, (m) => m.secretHint),
      size,
    ),
    h(
      'div',
      { class: 'picker' },
      picker,
      h('label', { for: 'file', class: 'button' }, (m) => m.chooseFile),
    ),
  )
  const element = h(
    'div',
    { class: 'field' },
    h('label', { for: 'secret' }, (m) => m.secret),
    asText,
    asFile,
    line,
  )

  // Its bytes, and not its text: a textarea would make one kind of line end of all.
  let file: Uint8Array | undefined
  const held = () => file ?? new TextEncoder().encode(text.value)

  function update() {
    const { length } = held()
    asText.hidden = file !== undefined
    asFile.hidden = file === undefined
    say(size, (m) => m.size(formatBytes(length), formatBytes(largestSecretBytes)))
    say(line, length > largestSecretBytes ? tooLarge(length) : undefined)
  }

  async function take(files: FileList | null | undefined) {
    const [one, another] = files ?? []
    if (!one) return
    if (another) return complain(line, (m) => m.oneFile)
    // Before it is read: it may be larger than the memory there is.
    if (one.size > largestSecretBytes) return complain(line, tooLarge(one.size))
    try {
      file = new Uint8Array(await one.arrayBuffer())
    } catch {
      return complain(line, (m) => m.fileUnreadable)
    }
    say(chosen, () => `${one.name} · ${formatBytes(one.size)}`)
    update()
    remove.focus()
  }

  text.addEventListener('input', update)
  picker.addEventListener('change', async () => {
    await take(picker.files)
    picker.value = ''
  })
  remove.addEventListener('click', () => {
    file = undefined
    update()
    text.focus()
  })
  element.addEventListener('dragover', (event) => {
    if (hasFiles(event)) element.classList.add('over')
  })
  for (const name of ['dragleave', 'drop'])
    element.addEventListener(name, () => element.classList.remove('over'))
  element.addEventListener('drop', async (event) => {
    if (hasFiles(event)) await take(event.dataTransfer?.files)
  })
  update()

  return {
    element,
    bytes() {
      const bytes = held()
      const focused = file ? line : text
      if (bytes.length === 0) complain(line, (m) => m.empty, focused)
      else if (bytes.length > largestSecretBytes) complain(line, tooLarge(bytes.length), focused)
      else return bytes
      return undefined
    },
  }
}
