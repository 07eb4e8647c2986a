// Uploads of files: begun, gone on with in a later run, and what the server has of them.
import * as z from 'zod'
import { type Attachment, AttachmentPage } from '../contract/attachments.ts'
import type { AttachedFile } from '../contract/content.ts'
import { attachmentPaths, pathTo } from '../contract/paths.ts'
import { AttachmentId, base64urlOf, ItemId } from '../contract/primitives.ts'
import { fileAssociatedData } from '../protocol/associated-data.ts'
import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts'
import { newFileSalt, type PreparedFile, prepareFile } from '../protocol/sealed-file.ts'
import { type FilePlace, type TransferOptions, uploadFile } from './file-transfer.ts'
import { abortable, type NewFile } from './new-file.ts'
import { readPages } from './pages.ts'
import type { Transport } from './transport.ts'

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

/** A vault key, 32 bytes, and its version. */
export interface FileKey {
  readonly key: Uint8Array
  readonly keyVersion: number
}

/** What uploads need of their vault. */
export interface UploadVault {
  readonly id: string
  /** Each key with which files of the vault can be sealed; new ones are sealed with the first. */
  fileKeys(): readonly [FileKey, ...FileKey[]]
}

interface Begun {
  readonly pending: PendingUpload
  readonly prepared: PreparedFile
  readonly from: number
}

/** What the bytes of a file are bound to. */
export const contextOf = ({ vaultId, itemId, attachmentId }: FilePlace) =>
  fileAssociatedData(vaultId, itemId, attachmentId)

/** The uploads to the items of one vault. */
export class Uploads {
  readonly #transport: Transport
  readonly #vault: UploadVault

  constructor(transport: Transport, vault: UploadVault) {
    this.#transport = transport
    this.#vault = vault
  }

  /** The files of an item that the server has, uploads that nothing names included. Throws ProblemError `not-found`. */
  ofItem(itemId: string, signal?: AbortSignal): Promise<Attachment[]> {
    return readPages(this.#transport, {
      schema: AttachmentPage,
      path: pathTo(attachmentPaths.attachments, { vaultId: this.#vault.id, itemId }),
      rowsOf: (page) => page.attachments,
      signal,
    })
  }

  /**
   * Seals and uploads a file that the item does not name yet, whether the item is there or not. What no item names goes after a day.
   * Throws as `Attachments.add` does.
   * @returns the entry for the content of the item
   */
  async upload(itemId: string, file: NewFile, options: UploadOptions = {}): Promise<AttachedFile> {
    const begun = (await this.#resumed(itemId, file, options)) ?? (await this.#begin(itemId, file, options))
    const { pending, prepared, from } = begun
    await options.onPending?.(pending)
    const { attachmentId, salt, size, keyVersion } = pending
    const place = { vaultId: this.#vault.id, itemId, attachmentId }
    await uploadFile(this.#transport, place, prepared, { ...options, keyVersion, from })
    return { id: attachmentId, name: file.name, type: file.type ?? '', size, salt }
  }

  async #begin(itemId: string, file: NewFile, { signal }: UploadOptions): Promise<Begun> {
    const [{ key, keyVersion }] = this.#vault.fileKeys()
    const attachmentId = crypto.randomUUID()
    const context = contextOf({ vaultId: this.#vault.id, itemId, attachmentId })
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
    const context = contextOf({ vaultId: this.#vault.id, itemId, attachmentId: pending.attachmentId })
    const salt = decodeBase64url(pending.salt)
    const prepared = await prepareFile(key, context, abortable(file, signal), salt)
    if (prepared.fingerprint !== pending.fingerprint) return undefined
    const uploads = await this.ofItem(itemId, signal)
    const upload = uploads.find(({ id }) => id === pending.attachmentId)
    // Of an upload that is gone the id may not come back.
    if (!upload || upload.bytes !== prepared.bytes || upload.keyVersion !== keyVersion) return undefined
    return { pending, prepared, from: Math.min(upload.receivedBytes, prepared.bytes) }
  }
}
