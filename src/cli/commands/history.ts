// The command that shows what an item was before: history.
import type { OpenVault } from '../../sdk/index.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { localTime } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { findItem } from '../lookup.ts'
import { changesView, contentView } from '../views.ts'
import { type Entry, openWorkspace } from '../workspace.ts'

type Versions = Awaited<ReturnType<OpenVault['versions']>>

const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`)

/** Each state with what was changed by it, newest first; the oldest one whole, since there is nothing to compare it with. */
function linesOf({ item }: Entry, versions: Versions, reveal: boolean): string[] {
  const states = [
    {
      content: item.content,
      heading: `Revision ${item.revision}, as it is now, written ${localTime(item.updatedAt)}`,
    },
    ...versions.map(({ content, revision, createdAt, replacedAt }) => ({
      content,
      heading: `Revision ${revision}, written ${localTime(createdAt)}, replaced ${localTime(replacedAt)}`,
    })),
  ]
  return states.flatMap(({ content, heading }, index) => {
    const before = states[index + 1]
    if (!before) return [heading, ...indented(contentView(content, reveal))]
    const changes = changesView(before.content, content, reveal)
    return [heading, ...indented(changes.length > 0 ? changes : ['nothing that is shown here was changed'])]
  })
}

export const history = command({
  name: 'history',
  operands: ['NAME_OR_ID'],
  summary: 'show the versions of an item: when each was written, and what it changed',
  details:
    'Newest first. Secrets are named and not shown; --reveal shows them. "limpet restore NAME --revision N" puts a version back, and "limpet attachment get --revision N" gets a file of it. The server keeps 20 versions of an item, more than that if they are of different days, for 90 days.',
  example: 'limpet history GitHub',
  options: {
    reveal: { type: 'boolean', help: 'shows secrets' },
    json: { type: 'boolean', help: 'prints the versions that were replaced as JSON, secrets too' },
    trash: { type: 'boolean', help: 'looks in the trash' },
    vault: { type: 'string', value: 'NAME', help: 'looks in this vault only' },
  },
  async run(surroundings, [wanted = ''], { json, reveal = false, trash, vault }) {
    const workspace = await openWorkspace(surroundings, 'read')
    const entry = findItem(workspace, wanted, { vault, place: trash ? 'trash' : 'active' })
    const versions = await withProgress('Asking the server', () => entry.vault.versions(entry.item.id))
    if (json)
      return printJson(
        versions.map(({ revision, createdAt, replacedAt, content }) => ({
          revision,
          createdAt,
          replacedAt,
          content,
        })),
      )
    print(...linesOf(entry, versions, reveal))
    if (versions.length === 0) remark('Nothing was replaced yet.')
  },
})
