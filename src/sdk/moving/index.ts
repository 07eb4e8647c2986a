// What `import { … } from 'limpet/moving'` offers: reading what other programs export, writing it to vaults, and exporting. Runs in
// Node and in browsers.

export { type ColumnMember, columnMembers, csvByColumns } from './csv-by-columns.ts'
export {
  ImportError,
  type ImportRefusal,
  type Incoming,
  type IncomingItem,
  type IncomingState,
  type Leftover,
} from './incoming.ts'
export {
  type Omission,
  type OutgoingItem,
  type OutgoingOptions,
  type OutgoingVersion,
  outgoingItems,
  type VaultToExport,
} from './outgoing.ts'
export {
  type FolderChoice,
  type ImportPlan,
  type ImportTarget,
  type PlannedItem,
  type PlannedVault,
  planImport,
  vaultsAskedFor,
} from './plan.ts'
export type { Reader, ReadOptions } from './reader.ts'
export { readerOf, readers, readIncoming } from './readers.ts'
export {
  type ImportOptions,
  type ImportProgress,
  type ImportResult,
  runImport,
  type TooLargeFile,
} from './run-import.ts'
export { fileOfBytes } from './whole-file.ts'
export { ExportError, type Unplaced, type WriteOptions, type Writer } from './writer.ts'
export { writers } from './writers.ts'
