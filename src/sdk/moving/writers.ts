// Every format that can be exported.
import { bitwardenJsonOut } from './bitwarden-json-out.ts'
import { csvOut } from './csv-out.ts'
import { kdbxOut } from './kdbx-out.ts'
import { limpetOut } from './sealed-export.ts'
import type { Writer } from './writer.ts'

/** The first one is taken unless another one is asked for. */
export const writers: readonly [Writer, ...Writer[]] = [limpetOut, bitwardenJsonOut, csvOut, kdbxOut]
