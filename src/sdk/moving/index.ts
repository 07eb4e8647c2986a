// What `import { … } from 'limpet/moving'` offers: reading what other programs export. Runs in Node and in browsers.

export {
  ImportError,
  type ImportRefusal,
  type Incoming,
  type IncomingItem,
  type Leftover,
  type Reader,
  type ReadOptions,
} from './incoming.ts'
export { readerOf, readers, readIncoming } from './readers.ts'
export { fileOfBytes } from './whole-file.ts'
