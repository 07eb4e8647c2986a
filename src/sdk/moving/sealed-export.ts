// An export as Limpet writes it: records, sealed under a passphrase (docs/export-format.md).
import type { AttachedFile } from '../../contract/content.ts'
import type { ExportBegin, ExportRecord } from '../../contract/exports.ts'
import { exportCosts, sealExport } from '../../protocol/sealed-export.ts'
import type { OutgoingItem } from './outgoing.ts'
import type { WriteOptions, Writer } from './writer.ts'

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
  { vaults, program, createdAt }: WriteOptions,
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

/** Everything, sealed under a passphrase: what `limpet import` reads. */
export const limpetOut: Writer = {
  name: 'limpet',
  title: 'Limpet export',
  extension: 'limpet',
  sealed: exportCosts,
  write: (items, options) => sealExport(options.passphrase, recordsOf(items, options)),
}
