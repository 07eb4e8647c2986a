// What a sync costs if the server parses and joins in memory, as is usual: all rows of a vault, each parsed, one large object, one text.
import Database from 'better-sqlite3'
import express from 'express'

const [port, file, vaultId] = process.argv.slice(2)
const database = new Database(file, { readonly: true })
const rows = database.prepare(
  `select i.id, i.data, c.type, c.folder_id, c.is_favorite, c.revision_at, i.created_at
   from items i join ciphers c on c.vault_id = i.vault_id and c.item_id = i.id where i.vault_id = ?`,
)
const date = (ms) => new Date(ms).toISOString()
const kinds = [
  'login',
  'secureNote',
  'card',
  'identity',
  'sshKey',
  'bankAccount',
  'driversLicense',
  'passport',
]

express()
  .get('/healthz', (_request, response) => response.json({}))
  .get('/api/sync', (_request, response) => {
    const ciphers = rows.all(vaultId).map((row) => ({
      object: 'cipherDetails',
      organizationId: null,
      edit: true,
      viewPassword: true,
      permissions: { delete: true, restore: true },
      organizationUseTotp: true,
      collectionIds: [],
      ...Object.fromEntries(kinds.map((kind) => [kind, null])),
      attachments: null,
      data: null,
      ...JSON.parse(row.data.toString()),
      id: row.id,
      type: row.type,
      folderId: row.folder_id,
      favorite: row.is_favorite === 1,
      creationDate: date(Number(row.created_at)),
      revisionDate: date(Number(row.revision_at)),
      deletedDate: null,
      archivedDate: null,
    }))
    response.json({
      object: 'sync',
      profile: {},
      folders: [],
      collections: [],
      policies: [],
      ciphers,
      domains: null,
      sends: [],
    })
  })
  .listen(Number(port), '127.0.0.1')
