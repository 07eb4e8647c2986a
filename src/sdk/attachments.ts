// The files of items: sealed on the way out, opened on the way in, and named in the content of their item.
import type { AttachedFile, ItemContent } from '../contract/content.ts'
import { sealedFileBytes } from '../contract/file-sizes.ts'
import { attachmentPaths, pathTo } from '../contract/paths.ts'
import { limits } from '../contract/sizes.ts'
import { decodeBase64url } from '../protocol/base64url.ts'
import { OpenError } from '../protocol/envelope.ts'
import { resealedFile } from '../protocol/resealed-file.ts'
import { openFile, prepareFile } from '../protocol/sealed-file.ts'
import { filesOf, requireFile, TooManyFilesError } from './attached-files.ts'
import { ProblemError } from './errors.ts'
import { type FilePlace, sealedBytes, type TransferOptions, uploadFile } from './file-transfer.ts'
import type { NewFile } from './new-file.ts'
import type { OpenItem } from './open-item.ts'
import type { Transport } from './transport.ts'
import { contextOf, type UploadOptions, Uploads, type UploadVault } from './uploads.ts'

/** What the files of a vault need of it. */
interface FileVault extends UploadVault {
  get(itemId: string): Promise<OpenItem>
  edit(itemId: string, change: (content: ItemContent) => ItemContent): Promise<OpenItem>
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
  readonly #uploads: Uploads

  constructor(transport: Transport, vault: FileVault) {
    this.#transport = transport
    this.#vault = vault
    this.#uploads = new Uploads(transport, vault)
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
    const uploaded = new Map((await this.#uploads.ofItem(itemId, options.signal)).map((one) => [one.id, one]))
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

  /**
   * Seals and uploads a file that the item does not name yet, whether the item is there or not. What no item names goes after a day.
   * Throws as `add` does.
   * @returns the entry for the content of the item
   */
  upload(itemId: string, file: NewFile, options: UploadOptions = {}): Promise<AttachedFile> {
    return this.#uploads.upload(itemId, file, options)
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
