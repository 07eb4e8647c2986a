// What the commands about files of items share.
import { type AttachedFile, isItemContent, type TransferOptions } from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import type { Report } from '../terminal/progress.ts'
import { safeLine } from '../terminal/text.ts'
import { formatFileSize } from '../units.ts'
import type { Entry } from './workspace.ts'

export const vaultOption = {
  type: 'string',
  value: 'NAME',
  help: 'the vault, where there are several',
} as const

export const reportBytes =
  (report: Report): NonNullable<TransferOptions['onProgress']> =>
  (done, total) =>
    report(`${formatFileSize(done)} of ${formatFileSize(total)}`)

export const fileJson = ({ id, name, type, size }: AttachedFile) => ({ id, name, type, size })

export function requireEditable({ item: { content } }: Entry): void {
  if (isItemContent(content)) return
  throw new CliError(
    'usage',
    `This version does not know the kind "${safeLine(content.kind)}" and cannot edit it.`,
  )
}

export const ambiguousFiles = (files: readonly AttachedFile[], wanted: string) =>
  new CliError(
    'ambiguous',
    `Several files fit "${safeLine(wanted)}"; say which by its id:\n${files
      .map(({ id, name, size }) => `${id}  ${safeLine(name)}  (${formatFileSize(size)})`)
      .join('\n')}`,
  )
