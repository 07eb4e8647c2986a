// Every format that can be exported.
import { limpetOut } from './sealed-export.ts'
import type { Writer } from './writer.ts'

/** The first one is taken unless another one is asked for. */
export const writers: readonly [Writer, ...Writer[]] = [limpetOut]
