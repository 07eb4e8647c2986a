// An export as Limpet writes it: records, sealed under a passphrase (docs/export-format.md).
import type { KdfParameters } from '../../contract/accounts.ts'
import type { AttachedFile } from '../../contract/content.ts'
import type { ExportBegin, ExportRecord } from '../../contract/exports.ts'
import { sealExport } from '../../protocol/sealed-export.ts'
import type { OpenVault } from '../vault.ts'
import type { OutgoingItem } from './outgoing.ts'

export interface SealedExportOptions {
  readonly passphrase: string
  /** Every vault that is exported, also one without items. */
  readonly vaults: readonly Pick<OpenVault, 'id' | 'content'>[]
  /** Which program makes it, and its version. */
  readonly program: string
  readonly createdAt: Date
  /** With a salt that was never used before; a test takes cheaper costs. */
  readonly kdf?: KdfParameters | undefined
}

const encoder = new TextEncoder()
const lineFeed = encoder.encode('\n')

const lineOf = (record: ExportBegin | ExportRecord) => encoder.encode(`${JSON.stringify(record)}\n`)

/** In pieces, so that a large file that broke off does not need as much memory. */
function* zeros(count: number) {
  const piece = new Uint8Array(Math.min(count, 64 * 1024))
  for (let left = count; left > 0; left -= piece.length) yield piece.subarray(0, left)
}

/** A file of an item. One that cannot be had has a record that says so, behind bytes that count for nothing. */
async function* fileRecords({ download }: OutgoingItem, file: AttachedFile): AsyncGenerator<Uint8Array> {
  const { id, size } = file
  let left = size
  let isBegun = false
  const begin = () => {
    isBegun = true
    return lineOf({ type: 'file', id, size })
  }
  for await (const piece of download(file)) {
    if (piece === undefined) {
      if (isBegun) {
        yield* zeros(left)
        yield lineFeed
      }
      yield lineOf({ type: 'lost', id })
      return
    }
    if (!isBegun) yield begin()
    left -= piece.length
    yield piece
  }
  if (!isBegun) yield begin()
  yield lineFeed
}

async function* recordsOf(
  items: AsyncIterable<OutgoingItem>,
  { vaults, program, createdAt }: SealedExportOptions,
): AsyncGenerator<Uint8Array> {
  yield lineOf({ type: 'export', createdAt: createdAt.toISOString(), program })
  const left = [...vaults]
  let current: string | undefined
  /** The vaults up to one, which the items come in the order of; all that are left without one. */
  function* vaultsUpTo(vaultId: string | undefined) {
    while (vaultId === undefined || current !== vaultId) {
      const vault = left.shift()
      if (!vault) return
      current = vault.id
      yield lineOf({ type: 'vault', id: vault.id, content: vault.content })
    }
  }
  for await (const outgoing of items) {
    const { id, createdAt, updatedAt, deletedAt, content } = outgoing.item
    yield* vaultsUpTo(outgoing.vault.id)
    yield lineOf({ type: 'item', id, createdAt, updatedAt, deletedAt, content })
    for (const version of outgoing.versions) yield lineOf({ type: 'version', ...version })
    for (const file of outgoing.files) yield* fileRecords(outgoing, file)
  }
  yield* vaultsUpTo(undefined)
  yield lineOf({ type: 'end' })
}

/**
 * The sealed file of an export, piece by piece.
 *
 * @param items in the order of `vaults`
 * @throws PasswordRefusedError for an empty passphrase, KdfRefusedError, and what `items` throws
 */
export const sealedExport = (
  items: AsyncIterable<OutgoingItem>,
  options: SealedExportOptions,
): AsyncGenerator<Uint8Array, void, undefined> =>
  sealExport(options.passphrase, recordsOf(items, options), options.kdf)
