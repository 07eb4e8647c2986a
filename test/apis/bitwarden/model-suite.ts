// Random sequences of what two clients do to one vault, and what the vault must hold after each: nothing is lost, every list opens. An
// answer may be lost, or the server killed while it writes; then it holds what was before, or what was asked for.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect } from 'vitest'
import { z } from 'zod'
import { type BitwardenDevice, Refused } from '../../support/bitwarden-client.ts'
import { decrypt } from '../../support/bitwarden-crypto.ts'
import type { TestDatabase } from '../../support/database.ts'
import { readRows } from '../../support/rows.ts'

/** A body as it is stored. */
const Body = z.object({ name: z.string() })

interface ModelItem {
  readonly name: string
  readonly folder: string | null
  readonly isInTrash: boolean
  readonly isArchived: boolean
}

interface Model {
  /** By name that no two of them share. */
  readonly items: ReadonlyMap<string, ModelItem>
  readonly folders: ReadonlySet<string>
}

const kinds = [
  'create',
  'replace',
  'replace with what is outdated',
  'trash',
  'restore',
  'archive',
  'unarchive',
  'delete',
  'move',
  'trash many',
  'import',
  'create folder',
  'delete folder',
] as const

export const steps = (most: number) =>
  fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      who: fc.constantFrom(0, 1),
      /** Which item and which folder, of those that there are. */
      at: fc.nat(),
      /** Whether the client gets to know how it ended. */
      isAnswered: fc.boolean(),
    }),
    { minLength: 1, maxLength: most },
  )
export type Step = ReturnType<ReturnType<typeof steps>['generate']>['value'][number]

export interface Vault {
  readonly devices: readonly [BitwardenDevice, BitwardenDevice]
  /** Between two steps: lets the clock run. */
  readonly pause: () => void
  /** Runs a write whose answer is not waited for. */
  readonly unanswered: (write: () => Promise<unknown>) => Promise<unknown>
}

const withItem = (model: Model, id: string, change: Partial<ModelItem>): Model => {
  const item = model.items.get(id)
  return item ? { ...model, items: new Map(model.items).set(id, { ...item, ...change }) } : model
}

const without = <Key, Value>(map: ReadonlyMap<Key, Value>, key: Key) => {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

/** What the server holds, in the words of the model, by the ids of items and folders. */
async function heldBy(device: BitwardenDevice) {
  const { items, folders } = await device.sync()
  return {
    items: new Map(
      [...items.values()].map(({ id, name, folderId, isInTrash, isArchived }) => [
        id,
        { name, folder: folderId === null ? null : (folders.get(folderId) ?? '?'), isInTrash, isArchived },
      ]),
    ),
    folders,
    dates: new Map([...items.values()].map(({ id, revisionDate }) => [id, revisionDate])),
  }
}

let made = 0

/** The names in the bodies that were replaced of each item that is there, as its owner can read them. */
export async function namesReplaced(
  database: TestDatabase,
  { accountId, userKey }: BitwardenDevice,
): Promise<Record<string, string[]>> {
  const { item_versions: versions = [] } = await readRows(database)
  const own = versions.filter((row) => row.vault_id === accountId)
  const names = Map.groupBy(own, (row) => String(row.item_id))
  return Object.fromEntries(
    [...names].map(([id, rows]) => [
      id,
      rows
        .map(({ data }) => Body.parse(JSON.parse(Buffer.from(String(data), 'hex').toString())))
        .map(({ name }) => decrypt(userKey, name).toString())
        .toSorted(),
    ]),
  )
}

/**
 * Runs the steps on an empty vault.
 * @returns how many steps have changed something, and what the names of the items that are left were before
 */
export async function runSteps(
  sequence: readonly Step[],
  { devices, pause, unanswered }: Vault,
): Promise<{ changes: number; replaced: Record<string, string[]> }> {
  let model: Model = { items: new Map(), folders: new Set() }
  let held = await heldBy(devices[0])
  expect([held.items.size, held.folders.size]).toEqual([0, 0])
  /** The revision date of each item before its last change. */
  const outdated = new Map<string, string>()
  const replaced = new Map<string, string[]>()
  let changes = 0

  for (const { kind, who, at, isAnswered } of sequence) {
    const device = devices[who] ?? devices[0]
    const ids = [...held.items.keys()]
    const id = ids[at % Math.max(1, ids.length)]
    const item = id === undefined ? undefined : model.items.get(id)
    const folders = [...held.folders]
    const [folderId, folder] = folders[at % Math.max(1, folders.length)] ?? [null, null]
    const name = `${kind} ${++made}`
    /** Null if the server has to refuse it. */
    let after: Model | null | undefined
    let write: (() => Promise<unknown>) | undefined
    /** Of what a step makes, whose id the server chooses: in the model under its name until it is seen. */
    const fresh: ModelItem = { name, folder, isInTrash: false, isArchived: false }

    if (kind === 'create') {
      after = { ...model, items: new Map(model.items).set(name, fresh) }
      write = () => device.createItem({ name, folderId })
    } else if (kind === 'import') {
      const both = [`${name} a`, `${name} b`]
      after = {
        items: new Map([
          ...model.items,
          ...both.map((one) => [one, { ...fresh, name: one, folder: name }] as const),
        ]),
        folders: new Set([...model.folders, name]),
      }
      const body = {
        ciphers: both.map((one) => device.sealed({ name: one })),
        folders: [{ name: device.sealed({ name }).name }],
        folderRelationships: both.map((_, key) => ({ key, value: 0 })),
      }
      write = () => device.ask('POST', '/api/ciphers/import', body)
    } else if (kind === 'create folder') {
      after = { ...model, folders: new Set([...model.folders, name]) }
      write = () => device.createFolder(name)
    } else if (kind === 'delete folder') {
      if (folderId === null) continue
      after = {
        items: new Map(
          [...model.items].map(([key, one]) => [key, one.folder === folder ? { ...one, folder: null } : one]),
        ),
        folders: new Set([...model.folders].filter((one) => one !== folder)),
      }
      write = () => device.ask('DELETE', `/api/folders/${folderId}`)
    } else if (id !== undefined && item !== undefined) {
      const path = `/api/ciphers/${id}`
      const known = held.dates.get(id)
      if (kind === 'replace') {
        after = withItem(model, id, { name, folder })
        write = () => device.replaceItem(id, { name, folderId }, known)
      } else if (kind === 'replace with what is outdated') {
        const old = outdated.get(id)
        if (old === undefined) continue
        after = null
        write = () => device.replaceItem(id, { name, folderId }, old)
      } else if (kind === 'trash') {
        after = withItem(model, id, { isInTrash: true })
        write = () => device.ask('PUT', `${path}/delete`)
      } else if (kind === 'restore') {
        if (!item.isInTrash) continue
        after = withItem(model, id, { isInTrash: false })
        write = () => device.ask('PUT', `${path}/restore`)
      } else if (kind === 'archive' || kind === 'unarchive') {
        if (item.isInTrash || item.isArchived === (kind === 'archive')) continue
        after = withItem(model, id, { isArchived: kind === 'archive' })
        write = () => device.ask('PUT', `/api/ciphers/${kind}`, { ids: [id] })
      } else if (kind === 'delete') {
        after = { ...model, items: without(model.items, id) }
        write = () => device.ask('DELETE', path)
      } else if (kind === 'move') {
        after = withItem(model, id, { folder })
        write = () => device.ask('PUT', '/api/ciphers/move', { ids: [id], folderId })
      } else {
        const many = ids.slice(0, 3)
        after = many.reduce((changed, one) => withItem(changed, one, { isInTrash: true }), model)
        write = () => device.ask('PUT', '/api/ciphers/delete', { ids: many })
      }
    }
    if (write === undefined || after === undefined) continue
    pause()

    const before = held
    if (isAnswered) {
      const refusal = await write().then(
        () => undefined,
        (error: unknown) => error,
      )
      if (refusal !== undefined && !(refusal instanceof Refused && after === null)) throw refusal
      if (refusal === undefined) expect(after, `${name} must be refused`).not.toBeNull()
    } else await unanswered(write)

    held = await heldBy(devices[who === 0 ? 1 : 0])
    const names = (from: Model) => ({
      items: [...from.items.values()].toSorted((a, b) => a.name.localeCompare(b.name)),
      folders: [...from.folders].toSorted(),
    })
    const seen = names({ items: held.items, folders: new Set(held.folders.values()) })
    const outcome = after ?? model
    if (isAnswered || isDeepStrictEqual(seen, names(outcome))) {
      expect(seen, name).toEqual(names(outcome))
      changes++
    } else expect(seen, `${name}, of which nobody knows whether it was done`).toEqual(names(model))
    for (const [key, date] of held.dates) {
      const earlier = before.dates.get(key)
      if (earlier === undefined || earlier === date) continue
      expect(date > earlier, `${name}: the revision date of an item goes up`).toBe(true)
      outdated.set(key, earlier)
    }
    for (const [key, { name: earlier }] of before.items) {
      const now = held.items.get(key)
      if (now && now.name !== earlier) replaced.set(key, [...(replaced.get(key) ?? []), earlier])
    }
    // From here on by the ids that the server chose.
    model = { items: held.items, folders: new Set(held.folders.values()) }
  }
  const left = [...replaced].filter(([id]) => held.items.has(id))
  return { changes, replaced: Object.fromEntries(left.map(([id, names]) => [id, names.toSorted()])) }
}

/** Empties the vault. */
export async function empty(device: BitwardenDevice): Promise<void> {
  const { items, folders } = await device.sync()
  for (const id of items.keys()) await device.ask('DELETE', `/api/ciphers/${id}`)
  for (const id of folders.keys()) await device.ask('DELETE', `/api/folders/${id}`)
}
