// Writes what was planned, in batches. It can end at any moment: the same import again finds what it wrote, and goes on.
import type { AttachedFile } from '../../contract/content.ts'
import { limits } from '../../contract/sizes.ts'
import type { BatchResult, ItemState, Operation } from '../../contract/vaults.ts'
import { NetworkError, ProblemError } from '../errors.ts'
import type { NewFile } from '../new-file.ts'
import type { OpenVault } from '../vault.ts'
import type { IncomingState } from './incoming.ts'
import { ImportIds } from './likeness.ts'
import { type ImportPlan, type PlannedItem, type PlannedVault, statesWritten, uploadedFiles } from './plan.ts'

/** How far an import has come. */
export interface ImportProgress {
  /** Items that are done, with all that belongs to them. */
  readonly items: number
  /** Files that are done. */
  readonly files: number
}

export interface ImportOptions {
  /** Makes a vault that the plan has as one that is to be made. */
  makeVault(name: string): Promise<OpenVault>
  readonly onProgress?: (progress: ImportProgress) => void
  /** Ends it between two requests, with its reason. */
  readonly signal?: AbortSignal | undefined
}

export interface ImportResult extends ImportProgress {
  /** Items that somebody wrote while this ran, or that an earlier request wrote whose answer was lost. */
  readonly present: number
  /** Files that are larger than the server allows. All else of their items is written. */
  readonly tooLarge: readonly TooLargeFile[]
  readonly vaults: readonly OpenVault[]
}

export interface TooLargeFile {
  readonly name: string
  /** Of its item in the file that was read. */
  readonly place: string
}

/** Characters of the envelopes in one batch: well below what a request may have, so that the progress can be seen. */
const batchBytes = Math.min(2 * 1024 * 1024, limits.batchBodyBytes / 2)
const batchItems = limits.batchOperations

/** How often a batch is tried again whose answer did not come, or of which something stood in the way. */
const tries = 5

type Put = Extract<Operation, { op: 'put' }>

/** An item on its way. */
interface Moving {
  readonly item: PlannedItem
  id: string
  /** How often its id was that of something that was deleted for good. */
  attempt: number
  /** How many of its states are written. */
  written: number
  /** Of what stands under its id, null for nothing. */
  revision: number | null
  /** Files that were uploaded for it, as its content names them. */
  uploaded: Map<NewFile, AttachedFile>
}

const statesOf = (item: PlannedItem): readonly IncomingState[] => [...item.versions, item]

/** Whether the states of an item name their files when they are written. Otherwise files are added to the last one, one by one. */
const hasOlderFiles = ({ versions }: PlannedItem) => versions.some(({ files }) => files.length > 0)

class Importer {
  readonly #vault: OpenVault
  readonly #ids: ImportIds
  readonly #options: ImportOptions
  readonly #tell: (done: Partial<ImportProgress>) => void
  /** Items that stood there when they were to be written. */
  present = 0
  readonly tooLarge = new Map<NewFile, TooLargeFile>()

  constructor(
    vault: OpenVault,
    ids: ImportIds,
    { options, tell }: { options: ImportOptions; tell: (done: Partial<ImportProgress>) => void },
  ) {
    this.#vault = vault
    this.#ids = ids
    this.#options = options
    this.#tell = tell
  }

  async run(items: readonly PlannedItem[]): Promise<void> {
    for (let begin = 0; begin < items.length; begin += batchItems) {
      const moving = await Promise.all(
        items.slice(begin, begin + batchItems).map((item) => this.#begin(item)),
      )
      await this.#writeStates(moving)
      await this.#upload(moving)
      await this.#trash(moving)
      this.#tell({ items: moving.length })
    }
  }

  async #begin(item: PlannedItem): Promise<Moving> {
    const { begun } = item
    const uploaded = uploadedFiles(item)
    if (!begun)
      return {
        item,
        id: await this.#ids.idOf(item.identity),
        attempt: 0,
        written: 0,
        revision: null,
        uploaded,
      }
    const written = statesWritten(begun, item)
    return { item, id: begun.id, attempt: 0, written, revision: begun.revision, uploaded }
  }

  /** Each item may stand in a batch once, so that what an item was before is written in rounds. */
  async #writeStates(moving: readonly Moving[]): Promise<void> {
    for (;;) {
      const open = moving.filter(({ item, written }) => written < statesOf(item).length)
      if (open.length === 0) return
      await this.#putAll(open)
    }
  }

  async #putAll(moving: readonly Moving[]): Promise<void> {
    let left = [...moving]
    while (left.length > 0) {
      const batch: { one: Moving; put: Put }[] = []
      let bytes = 0
      for (const one of left) {
        const put = await this.#sealed(one)
        const size = put.data.length
        if (batch.length > 0 && bytes + size > batchBytes) break
        batch.push({ one, put })
        bytes += size
      }
      left = left.slice(batch.length)
      await this.#putBatch(batch)
    }
  }

  async #sealed(one: Moving): Promise<Put> {
    const { item, id, written, revision } = one
    const state = statesOf(item)[written] ?? item
    const attachments = hasOlderFiles(item) ? await this.#uploadAll(one, state) : []
    const content = { ...state.content, ...(attachments.length > 0 && { attachments }) }
    return { op: 'put', id, revision, ...(await this.#vault.sealItem(id, content)) }
  }

  /** Uploads the files of a state that are not uploaded yet. */
  async #uploadAll({ item, id, uploaded }: Moving, { files }: IncomingState): Promise<AttachedFile[]> {
    const { signal } = this.#options
    const entries: AttachedFile[] = []
    for (const file of files) {
      const there = uploaded.get(file)
      const entry =
        there ??
        (await this.#unlessTooLarge(item, file, () => this.#vault.attachments.upload(id, file, { signal })))
      if (!entry) continue
      uploaded.set(file, entry)
      entries.push(entry)
      if (!there) this.#tell({ files: 1 })
    }
    return entries
  }

  /** @returns undefined for a file that is larger than the server allows: the items behind it have to come in all the same */
  async #unlessTooLarge<T>(
    { place }: PlannedItem,
    file: NewFile,
    upload: () => Promise<T>,
  ): Promise<T | undefined> {
    if (this.tooLarge.has(file)) return undefined
    try {
      return await upload()
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === 'too-large')) throw error
      this.tooLarge.set(file, { name: file.name, place })
      return undefined
    }
  }

  /** Writes a batch whole, leaving out what is there already, until all of it is there. */
  async #putBatch(batch: readonly { one: Moving; put: Put }[]): Promise<void> {
    let open = [...batch]
    for (let attempt = 0; open.length > 0; attempt++) {
      try {
        const { items } = await this.#send(open.map(({ put }) => put))
        for (const [at, { one }] of open.entries()) this.#written(one, items[at])
        return
      } catch (error) {
        if (attempt === tries) throw error
        open = await this.#afterFailure(error, open)
      }
    }
  }

  #written(one: Moving, state: ItemState | undefined): void {
    one.written++
    one.revision = state?.revision ?? one.revision
  }

  /** What is still to be written after a batch was refused. Nothing of it was written then, or all of it by a request without an answer. */
  async #afterFailure(error: unknown, open: readonly { one: Moving; put: Put }[]) {
    if (error instanceof NetworkError) return [...open]
    if (!(error instanceof ProblemError)) throw error
    if (error.code === 'key-changed') {
      await this.#vault.refresh()
      return Promise.all(open.map(({ one }) => this.#sealedAnew(one)))
    }
    if (error.code !== 'revision-conflict' || error.conflicts.length === 0) throw error
    const conflicts = new Map(error.conflicts.map(({ id, current }) => [id, current]))
    const next: { one: Moving; put: Put }[] = []
    for (const { one, put } of open) {
      const current = conflicts.get(one.id)
      if (current === undefined) next.push({ one, put })
      else if (current && 'data' in current && current.data === put.data) this.#written(one, current)
      else if (current && 'data' in current) this.#isThere(one)
      // Its id was that of something which its owner deleted for good.
      else next.push(await this.#under(one))
    }
    return next
  }

  /** Somebody else has written it, or changed it: it stays as it is. */
  #isThere(one: Moving): void {
    this.present++
    one.written = Number.POSITIVE_INFINITY
    one.revision = null
  }

  async #under(one: Moving): Promise<{ one: Moving; put: Put }> {
    one.attempt++
    one.id = await this.#ids.idOf(one.item.identity, one.attempt)
    return this.#sealedAnew(one)
  }

  /** Under another id or key. Files that were uploaded for it before are of no use then. */
  async #sealedAnew(one: Moving): Promise<{ one: Moving; put: Put }> {
    one.uploaded = uploadedFiles(one.item)
    return { one, put: await this.#sealed(one) }
  }

  async #upload(moving: readonly Moving[]): Promise<void> {
    for (const one of moving) {
      const { item, id, revision, uploaded } = one
      if (revision === null) continue
      for (const file of item.files.filter((file) => !uploaded.has(file))) {
        const { signal } = this.#options
        const added = await this.#unlessTooLarge(item, file, () =>
          this.#vault.attachments.add(id, file, { signal }),
        )
        if (!added) continue
        one.revision = added.item.revision
        this.#tell({ files: 1 })
      }
    }
  }

  async #trash(moving: readonly Moving[]): Promise<void> {
    const operations = moving.flatMap(({ item, id, revision }): Operation[] =>
      item.trashed && revision !== null ? [{ op: 'trash', id, revision }] : [],
    )
    if (operations.length > 0) await this.#send(operations)
  }

  #send(operations: Operation[]): Promise<BatchResult> {
    this.#options.signal?.throwIfAborted()
    return this.#vault.batch(operations)
  }
}

async function importInto(
  { target, items }: PlannedVault,
  options: ImportOptions,
  tell: (done: Partial<ImportProgress>) => void,
): Promise<{ vault: OpenVault; importer: Importer }> {
  const vault = target.vault ?? (await options.makeVault(target.name))
  const ids = await ImportIds.of(vault.keys.bytesOf(vault.keys.newest))
  const importer = new Importer(vault, ids, { options, tell })
  await importer.run(items)
  return { vault, importer }
}

/**
 * Writes what was planned. If it ends before its end, whatever the reason, what is written stays, and a new plan of the same file finds
 * it: nothing is written twice.
 *
 * @throws ProblemError (`quota-exceeded`), NetworkError, what `makeVault` throws, and what `signal` was aborted with
 */
export async function runImport(plan: ImportPlan, options: ImportOptions): Promise<ImportResult> {
  const done = { items: 0, files: 0 }
  const tell = ({ items = 0, files = 0 }: Partial<ImportProgress>) => {
    done.items += items
    done.files += files
    options.onProgress?.({ ...done })
  }
  const written: { vault: OpenVault; importer: Importer }[] = []
  for (const planned of plan.vaults) written.push(await importInto(planned, options, tell))
  const present = written.reduce((sum, { importer }) => sum + importer.present, 0)
  const tooLarge = written.flatMap(({ importer }) => [...importer.tooLarge.values()])
  const vaults = written.map(({ vault }) => vault)
  return { ...done, items: done.items - present, present, tooLarge, vaults }
}
