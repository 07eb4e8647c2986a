// The files of items: sealed on the way out, opened on the way in, and named in the content of their item.
import * as z from 'zod'
import { type Attachment, AttachmentPage } from '../contract/attachments.ts'
import { AttachedFile, type ItemContent, type UnknownContent } from '../contract/content.ts'
import { sealedFileBytes } from '../contract/file-sizes.ts'
import { attachmentPaths, pathTo } from '../contract/paths.ts'
import { AttachmentId, base64urlOf, ItemId } from '../contract/primitives.ts'
import { limits } from '../contract/sizes.ts'
import { fileAssociatedData } from '../protocol/associated-data.ts'
import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts'
import { OpenError } from '../protocol/envelope.ts'
import { isItemContent } from '../protocol/item-content.ts'
import { resealedFile } from '../protocol/resealed-file.ts'
import {
  type FileContent,
  newFileSalt,
  openFile,
  type PreparedFile,
  prepareFile,
} from '../protocol/sealed-file.ts'
import { ProblemError } from './errors.ts'
import { type FilePlace, sealedBytes, type TransferOptions, uploadFile } from './file-transfer.ts'
import type { OpenItem } from './open-item.ts'
import { readPages } from './pages.ts'
import type { Transport } from './transport.ts'

/** A file that is to be attached. It is read several times, and has to be the same each time. */
export interface NewFile extends FileContent {
  readonly name: string
  /** Its media type, or nothing. */
  readonly type?: string
}

/** An upload that was begun. It is no secret; stored, it lets a later run go on. */
export const PendingUpload = z.object({
  itemId: ItemId,
  attachmentId: AttachmentId,
  salt: base64urlOf(32),
  size: z.int().min(0),
  /** Of the file that was begun with: another one is never sealed under its salt. */
  fingerprint: base64urlOf(32),
  keyVersion: z.int().min(1),
})
export type PendingUpload = z.infer<typeof PendingUpload>

export interface UploadOptions extends TransferOptions {
  /** An upload of an earlier run. If it is of another file, or the server has nothing of it any more, the upload begins anew. */
  readonly resume?: PendingUpload | undefined
  /** Told once it is known which upload it is, before anything is sent: a program that stores it can go on in a later run. */
  readonly onPending?: ((pending: PendingUpload) => Promise<void> | void) | undefined
}

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

/** A `Blob` or `File` as a file that can be attached. */
export function fileOf(blob: Blob, name: string): NewFile {
  return { name, type: blob.type, size: blob.size, read: (start) => piecesOfBlob(blob.slice(start)) }
}

/** By its reader, because not every browser iterates over streams. */
async function* piecesOfBlob(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** A file whose reading ends with the signal's reason once that is aborted. */
const abortable = ({ size, read }: FileContent, signal: AbortSignal | undefined): FileContent => ({
  size,
  async *read(start) {
    for await (const piece of read(start)) {
      signal?.throwIfAborted()
      yield piece
    }
  },
})

/** What the files of a vault need of it. */
interface FileVault {
  readonly id: string
  get(itemId: string): Promise<OpenItem>
  edit(itemId: string, change: (content: ItemContent) => ItemContent): Promise<OpenItem>
  /** Each key with which files of the vault can be sealed; new ones are sealed with the first. */
  fileKeys(): readonly [FileKey, ...FileKey[]]
}

/** A vault key, 32 bytes, and its version. */
export interface FileKey {
  readonly key: Uint8Array
  readonly keyVersion: number
}

export interface Attached {
  /** As it is now, with the file among its `attachments`. */
  readonly item: OpenItem
  readonly file: AttachedFile
}

/** The files of the items of one vault. */
export class Attachments {
  readonly #transport: Transport
  readonly #vault: FileVault

  constructor(transport: Transport, vault: FileVault) {
    this.#transport = transport
    this.#vault = vault
  }

  /**
   * Seals a file, uploads it, and names it in the item. Two devices that do so at once keep both files. A connection that breaks is
   * waited for, for about half a minute.
   *
   * @throws ProblemError (`quota-exceeded`, `too-large`, `not-found`), NetworkError, TooManyFilesError, FileChangedError, and
   * ConflictError where the item was deleted for good meanwhile
   */
  async add(itemId: string, file: NewFile, options: UploadOptions = {}): Promise<Attached> {
    const { content } = await this.#vault.get(itemId)
    if (filesOf(content).length >= limits.itemAttachments) throw new TooManyFilesError()
    const entry = await this.upload(itemId, file, options)
    const item = await this.#editFiles(itemId, (files) =>
      files.some(({ id }) => id === entry.id) ? files : [...files, entry],
    )
    return { item, file: entry }
  }

  /**
   * Puts another file in the place of one. The version of the item before keeps the old one. Throws as `add` does, and
   * NoSuchFileError.
   */
  async replace(
    itemId: string,
    attachmentId: string,
    file: NewFile,
    options: UploadOptions = {},
  ): Promise<Attached> {
    requireFile(filesOf((await this.#vault.get(itemId)).content), attachmentId)
    const entry = await this.upload(itemId, file, options)
    const item = await this.#editFiles(itemId, (files) => {
      if (files.some(({ id }) => id === entry.id)) return files
      requireFile(files, attachmentId)
      return files.map((one) => (one.id === attachmentId ? entry : one))
    })
    return { item, file: entry }
  }

  /**
   * Takes a file out of an item. The version of before keeps it, unless it is to be gone for good: then its bytes are freed at once, and
   * no version can give it back. Throws NoSuchFileError.
   */
  async remove(
    itemId: string,
    attachmentId: string,
    { permanent = false }: { permanent?: boolean } = {},
  ): Promise<OpenItem> {
    const item = await this.#editFiles(itemId, (files) => {
      requireFile(files, attachmentId)
      return files.filter(({ id }) => id !== attachmentId)
    })
    if (permanent) await this.purge(itemId, attachmentId)
    return item
  }

  /** Frees a file that the item does not name any more, but a version of it. Throws ProblemError `not-found`. */
  async purge(itemId: string, attachmentId: string): Promise<void> {
    const path = pathTo(attachmentPaths.attachment, this.#place(itemId, attachmentId))
    await this.#transport.authorized({ method: 'DELETE', path: `${path}?permanent=true` })
  }

  /**
   * Opens a file piece by piece. **What came is good once the loop has come to its end, and worth nothing if that throws**: until then
   * the file can turn out to be cut off. So write to a place that nobody looks at yet, and throw that away after an error. A
   * connection that breaks is waited for, and read on.
   *
   * @param file as `filesOf` gives it, of the item as it is now or of one of its versions
   * @throws OpenError for what is not the file, ProblemError (`not-found`), NetworkError, and the signal's reason
   */
  download(
    itemId: string,
    file: AttachedFile,
    options: TransferOptions = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const place = this.#place(itemId, file.id)
    const sealed = sealedBytes(this.#transport, place, sealedFileBytes(file.size), options)
    const keys = this.#vault.fileKeys().map(({ key }) => key)
    return openFile(keys, contextOf(place), { size: file.size, salt: decodeBase64url(file.salt) }, sealed)
  }

  /** A whole file in memory, for small ones. Throws as `download` does. */
  async read(itemId: string, file: AttachedFile, options: TransferOptions = {}): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for await (const piece of this.download(itemId, file, options)) pieces.push(piece)
    const whole = new Uint8Array(file.size)
    let length = 0
    for (const piece of pieces) {
      whole.set(piece, length)
      length += piece.length
    }
    return whole
  }

  /**
   * Seals files of one item for another one, which cannot name them otherwise. Throws as `add` does.
   * @returns the entries for the content of the other item, and the files that the server does not have any more, or that do not open
   */
  async copy(
    fromItemId: string,
    files: readonly AttachedFile[],
    toItemId: string,
    options: TransferOptions = {},
  ): Promise<{ copied: AttachedFile[]; lost: AttachedFile[] }> {
    const [copied, lost]: [AttachedFile[], AttachedFile[]] = [[], []]
    for (const file of files) {
      const read = (start: number) => withoutFirst(this.download(fromItemId, file, options), start)
      try {
        const entry = await this.upload(toItemId, { ...file, read }, { signal: options.signal })
        copied.push({ ...file, ...entry })
      } catch (error) {
        if (!isLostFile(error)) throw error
        lost.push(file)
      }
    }
    return { copied, lost }
  }

  /** The files of an item that the server has, uploads that nothing names included. Throws ProblemError `not-found`. */
  #uploaded(itemId: string, signal?: AbortSignal): Promise<Attachment[]> {
    return readPages(this.#transport, {
      schema: AttachmentPage,
      path: pathTo(attachmentPaths.attachments, { vaultId: this.#vault.id, itemId }),
      rowsOf: (page) => page.attachments,
      signal,
    })
  }

  /**
   * Seals files of an item anew under the vault's newest key, while that is being changed. Id and salt follow from the file and the
   * key, so that what was uploaded before is not uploaded again. Throws as `add` does.
   *
   * @returns the entries in the place of those that were given, and the files that the server does not have, or that do not open
   */
  async reseal(
    itemId: string,
    files: readonly AttachedFile[],
    options: TransferOptions = {},
  ): Promise<{ resealed: AttachedFile[]; lost: AttachedFile[] }> {
    const [{ key, keyVersion }] = this.#vault.fileKeys()
    const uploaded = new Map((await this.#uploaded(itemId, options.signal)).map((one) => [one.id, one]))
    const [resealed, lost]: [AttachedFile[], AttachedFile[]] = [[], []]
    for (const file of files) {
      if (uploaded.get(file.id)?.keyVersion === keyVersion) {
        resealed.push(file)
        continue
      }
      const next = await resealedFile(key, { vaultId: this.#vault.id, itemId, id: file.id, salt: file.salt })
      const there = uploaded.get(next.id)
      try {
        if (!there || there.receivedBytes < there.bytes) {
          const read = (start: number) => withoutFirst(this.download(itemId, file, options), start)
          const place = this.#place(itemId, next.id)
          const content = { size: file.size, read }
          const prepared = await prepareFile(key, contextOf(place), content, decodeBase64url(next.salt))
          const { signal } = options
          await uploadFile(this.#transport, place, prepared, {
            signal,
            keyVersion,
            from: there?.receivedBytes ?? 0,
          })
        }
        resealed.push({ ...file, ...next })
      } catch (error) {
        if (!isLostFile(error)) throw error
        lost.push(file)
      }
    }
    return { resealed, lost }
  }

  #place(itemId: string, attachmentId: string): FilePlace {
    return { vaultId: this.#vault.id, itemId, attachmentId }
  }

  #editFiles(
    itemId: string,
    change: (files: readonly AttachedFile[]) => readonly AttachedFile[],
  ): Promise<OpenItem> {
    return this.#vault.edit(itemId, ({ attachments = [], ...content }) => {
      const files = change(attachments)
      if (files.length > limits.itemAttachments) throw new TooManyFilesError()
      return files.length === 0 ? content : { ...content, attachments: [...files] }
    })
  }

  /**
   * Seals and uploads a file that the item does not name yet, whether the item is there or not. What no item names goes after a day.
   * Throws as `add` does.
   * @returns the entry for the content of the item
   */
  async upload(itemId: string, file: NewFile, options: UploadOptions = {}): Promise<AttachedFile> {
    const begun = (await this.#resumed(itemId, file, options)) ?? (await this.#begin(itemId, file, options))
    const { pending, prepared, from } = begun
    await options.onPending?.(pending)
    const { attachmentId, salt, size, keyVersion } = pending
    const place = this.#place(itemId, attachmentId)
    await uploadFile(this.#transport, place, prepared, { ...options, keyVersion, from })
    return { id: attachmentId, name: file.name, type: file.type ?? '', size, salt }
  }

  async #begin(itemId: string, file: NewFile, { signal }: UploadOptions): Promise<Begun> {
    const [{ key, keyVersion }] = this.#vault.fileKeys()
    const attachmentId = crypto.randomUUID()
    const context = contextOf(this.#place(itemId, attachmentId))
    const prepared = await prepareFile(key, context, abortable(file, signal), newFileSalt())
    const { size, fingerprint } = prepared
    const salt = encodeBase64url(prepared.salt)
    return { pending: { itemId, attachmentId, salt, size, fingerprint, keyVersion }, prepared, from: 0 }
  }

  /** @returns undefined where there is no upload to go on with, or it is of another file */
  async #resumed(
    itemId: string,
    file: NewFile,
    { resume: pending, signal }: UploadOptions,
  ): Promise<Begun | undefined> {
    const [{ key, keyVersion }] = this.#vault.fileKeys()
    if (pending?.itemId !== itemId || pending.size !== file.size || pending.keyVersion !== keyVersion)
      return undefined
    const context = contextOf(this.#place(itemId, pending.attachmentId))
    const salt = decodeBase64url(pending.salt)
    const prepared = await prepareFile(key, context, abortable(file, signal), salt)
    if (prepared.fingerprint !== pending.fingerprint) return undefined
    const uploads = await this.#uploaded(itemId, signal)
    const upload = uploads.find(({ id }) => id === pending.attachmentId)
    // Of an upload that is gone the id may not come back.
    if (!upload || upload.bytes !== prepared.bytes || upload.keyVersion !== keyVersion) return undefined
    return { pending, prepared, from: Math.min(upload.receivedBytes, prepared.bytes) }
  }
}

async function* withoutFirst(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count
  for await (const piece of bytes) {
    if (left < piece.length) yield piece.subarray(left)
    left = Math.max(0, left - piece.length)
  }
}

/** Whether a download ended because the server does not have the file any more, or gave something else in its place. */
export const isLostFile = (error: unknown): boolean =>
  error instanceof OpenError || (error instanceof ProblemError && error.code === 'not-found')

interface Begun {
  readonly pending: PendingUpload
  readonly prepared: PreparedFile
  readonly from: number
}

const contextOf = ({ vaultId, itemId, attachmentId }: FilePlace) =>
  fileAssociatedData(vaultId, itemId, attachmentId)

function requireFile(files: readonly AttachedFile[], attachmentId: string): void {
  if (!files.some(({ id }) => id === attachmentId)) throw new NoSuchFileError()
}
