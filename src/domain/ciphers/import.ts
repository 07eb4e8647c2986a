// Many items and folders in one request: all of them, or none.
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import { holdForChange, type Needs } from './change.ts'
import { insertFolders, listFolders } from './folders.ts'
import { type CipherCaller, refusedMember } from './rows.ts'
import { insertCiphers, type NewCipher, requireOwnKey } from './writes.ts'

export interface Import {
  readonly ciphers: readonly NewCipher[]
  /** With the id of one that the account has, or as a new one. */
  readonly folders: readonly { readonly id: string | null; readonly name: string }[]
  /** The indexes of an item, and of the folder that it goes into. */
  readonly placements: readonly { readonly key: number; readonly value: number }[]
}

/** Throws `malformed-request`, `too-large` and `quota-exceeded`. */
export function importCiphers(
  needs: Needs,
  caller: CipherCaller,
  { ciphers, folders, placements }: Import,
): Promise<void> {
  const { clock, random, store } = needs
  const ids = ciphers.map(() => random.uuid())
  const newIds = folders.map(() => random.uuid())
  return store.write(async (tx) => {
    const now = clock.now()
    await holdForChange(tx, caller, now)
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'vault' })
    const known = new Set((await listFolders(tx, caller)).map(({ id }) => id))
    const folderIds = folders.map(({ id }, index) => (id !== null && known.has(id) ? id : newIds[index]))
    const made = folders.flatMap(({ name }, index) => {
      const id = folderIds[index]
      return id === undefined || known.has(id) ? [] : [{ id, name, revisionAt }]
    })
    await insertFolders(tx, caller.accountId, made)

    const folderOf = new Map<number, string>()
    for (const [index, { key, value }] of placements.entries()) {
      const folderId = folderIds[value]
      if (folderId === undefined || key >= ciphers.length)
        throw refusedMember(`FolderRelationships[${index}]`, 'Expected the index of an item and of a folder')
      folderOf.set(key, folderId)
    }
    // One that names what it is encrypted for speaks for all: they come from one client.
    const [named] = ciphers.filter(({ encryptedFor, encryptedByKeyId }) => encryptedFor ?? encryptedByKeyId)
    for (const [index, { encryptedFor, encryptedByKeyId, folderId }] of ciphers.entries()) {
      if (encryptedFor !== named?.encryptedFor || encryptedByKeyId !== named?.encryptedByKeyId)
        throw refusedMember(`Ciphers[${index}].encryptedFor`, 'Expected what the other items say')
      if (folderId !== null && !known.has(folderId) && !folderOf.has(index))
        throw refusedMember(`Ciphers[${index}].folderId`, 'There is no such folder')
    }
    if (named) await requireOwnKey(tx, caller, named)
    const placed = ciphers.map((cipher, index) => ({
      ...cipher,
      folderId: folderOf.get(index) ?? cipher.folderId,
    }))
    await insertCiphers(tx, caller, placed, { now, revisionAt, ids }, needs)
  })
}
