// The files that the content of an item names.
import * as z from 'zod'
import { AttachedFile, type ItemContent, type UnknownContent } from '../contract/content.ts'
import { limits } from '../contract/sizes.ts'
import { isItemContent } from '../protocol/item-content.ts'

/** An item has as many files as an item may have. */
export class TooManyFilesError extends Error {
  override readonly name = 'TooManyFilesError'

  constructor() {
    super(`An item has at most ${limits.itemAttachments} files`)
  }
}

/** The content of an item that names no file of this id. */
export class NoSuchFileError extends Error {
  override readonly name = 'NoSuchFileError'

  constructor() {
    super('The item has no such file')
  }
}

/** The files of an item, in their order; none of a kind that is not known here, unless it has them in the known form. */
export function filesOf(content: ItemContent | UnknownContent): readonly AttachedFile[] {
  if (isItemContent(content)) return content.attachments ?? []
  return z.array(AttachedFile).safeParse(content.attachments).data ?? []
}

/**
 * Merges two lists of files that came from one, by their ids: what either side added stays, what either side removed goes. Where both
 * changed an entry, mine is taken.
 * @param before the list that both began with
 */
export function mergeFiles(
  before: readonly AttachedFile[],
  mine: readonly AttachedFile[],
  theirs: readonly AttachedFile[],
): AttachedFile[] {
  const entry = (files: readonly AttachedFile[], id: string) => files.find((file) => file.id === id)
  const isChanged = (file: AttachedFile) => JSON.stringify(file) !== JSON.stringify(entry(before, file.id))
  const kept = theirs.flatMap((file) => {
    const own = entry(mine, file.id)
    if (!own) return entry(before, file.id) ? [] : [file]
    return [isChanged(own) ? own : file]
  })
  return [...kept, ...mine.filter(({ id }) => !entry(before, id) && !entry(theirs, id))]
}

/** Throws NoSuchFileError. */
export function requireFile(files: readonly AttachedFile[], attachmentId: string): void {
  if (!files.some(({ id }) => id === attachmentId)) throw new NoSuchFileError()
}
