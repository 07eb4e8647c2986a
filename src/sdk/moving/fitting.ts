// Items that are larger than an envelope may be: their longest texts become files beside them.
import type { ItemContent, UnknownContent } from '../../contract/content.ts'
import { envelopeBytes } from '../../contract/file-sizes.ts'
import { limits } from '../../contract/sizes.ts'
import { encodeContent, isItemContent } from '../../protocol/item-content.ts'
import type { IncomingState, Leftover } from './incoming.ts'
import { fileOfBytes } from './whole-file.ts'

/** For what is added later: the counter, and an entry for each file with a name of the usual length. */
const spare = (files: number) => 64 + files * 512

const fits = (content: ItemContent | UnknownContent, files: number) =>
  envelopeBytes(encodeContent(content).length + spare(files)) <= limits.sealedBytes

/** The longest of the texts that can stand in a file as well. */
function longest({ notes = '', fields = [] }: ItemContent) {
  const texts = [{ at: -1, text: notes }, ...fields.map(({ value }, at) => ({ at, text: value }))]
  return texts.reduce((best, one) => (one.text.length > best.text.length ? one : best))
}

function withoutText(content: ItemContent, at: number): ItemContent {
  if (at >= 0) return { ...content, fields: (content.fields ?? []).filter((_, index) => index !== at) }
  const { notes: _moved, ...rest } = content
  return rest
}

/**
 * Makes an item fit into its envelope.
 * @param tell told of each text that becomes a file
 * @returns undefined if it does not fit, whatever is moved, or has more files than an item may have
 */
export function fitted(
  item: IncomingState,
  tell: (leftover: Omit<Leftover, 'place'>) => void,
): IncomingState | undefined {
  let { content } = item
  const files = [...item.files]
  while (!fits(content, files.length)) {
    if (!isItemContent(content)) return undefined
    const { at, text } = longest(content)
    if (text.length < 1024) return undefined
    const name = at < 0 ? 'notes.txt' : `field-${files.length + 1}.txt`
    tell({
      what: at < 0 ? 'notes that are too long' : 'a field that is too long',
      wentTo: `the file ${name}`,
    })
    files.push(fileOfBytes(new TextEncoder().encode(text), name, 'text/plain'))
    content = withoutText(content, at)
  }
  return files.length <= limits.itemAttachments ? { content, files } : undefined
}
