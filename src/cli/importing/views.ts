// What `limpet import` shows of its plan: for people, and for scripts.
import type { ImportPlan, ImportResult, Leftover } from '../../sdk/moving/index.ts'
import { print } from '../../terminal/output.ts'
import { table } from '../../terminal/table.ts'
import { counted } from '../../terminal/text.ts'
import { formatFileSize } from '../../units.ts'

interface Group {
  readonly what: string
  readonly wentTo: string | undefined
  readonly places: string[]
}

/** The same of several items stands together, what is lost first. */
function grouped(leftovers: readonly Leftover[]): Group[] {
  const groups = new Map<string, Group>()
  for (const { what, wentTo, place } of leftovers) {
    const key = JSON.stringify([what, wentTo])
    const group = groups.get(key) ?? { what, wentTo, places: [] }
    group.places.push(place)
    groups.set(key, group)
  }
  return [...groups.values()].sort(
    (one, other) => Number(one.wentTo !== undefined) - Number(other.wentTo !== undefined),
  )
}

/** Rows of the table of what has no place of its own. */
const mostGroups = 25

/** How many new items a plan has. */
export const totalOf = ({ kinds }: ImportPlan) => [...kinds.values()].reduce((sum, count) => sum + count, 0)

const sentences = (plan: ImportPlan): string[] => {
  const { present, presentInTrash, repeated, begun, trashed, files, fileBytes } = plan
  return [
    ...(begun > 0 ? [`${counted(begun, 'item')} of an import that broke off will be finished.`] : []),
    ...(trashed > 0 ? [`${counted(trashed, 'item')} of them go to the trash, where they were.`] : []),
    ...(files > 0 ? [`${counted(files, 'file')} will be uploaded (${formatFileSize(fileBytes)}).`] : []),
    ...(present > 0 ? [`${counted(present, 'item')} are in the vault already and are left out.`] : []),
    ...(repeated > 0
      ? [`${counted(repeated, 'item')} stand in the file a second time and are left out.`]
      : []),
    ...(presentInTrash > 0
      ? [
          `${counted(presentInTrash, 'item')} are in the trash here and stay there; "limpet restore" takes them out.`,
        ]
      : []),
  ]
}

/** Shows what an import would do, before anything is written. */
export function showPlan(plan: ImportPlan): void {
  const total = totalOf(plan)
  print(`${plan.format}: ${counted(total, 'new item')}.`)
  if (total > 0) {
    print('')
    print(
      ...table(
        ['KIND', 'NEW'],
        [...plan.kinds].map(([kind, count]) => [kind, count.toLocaleString('en')]),
      ),
    )
    print('')
    print(
      ...table(
        ['TO THE VAULT', 'ITEMS'],
        plan.vaults.map(({ target, items }) => [
          `${target.name}${target.vault ? '' : ' (will be made)'}`,
          items.length.toLocaleString('en'),
        ]),
      ),
    )
  }
  const more = sentences(plan)
  if (more.length > 0) print('', ...more)
  const groups = grouped(plan.leftovers)
  if (groups.length === 0) return
  print('')
  print(
    ...table(
      ['WHAT HAS NO PLACE OF ITS OWN', 'TIMES', 'BECOMES', 'FIRST AT'],
      groups
        .slice(0, mostGroups)
        .map(({ what, wentTo, places }) => [
          what,
          places.length.toLocaleString('en'),
          wentTo ?? 'nothing: it is not taken',
          places[0] ?? '',
        ]),
    ),
  )
  if (groups.length > mostGroups) print(`… and ${groups.length - mostGroups} more; --json shows all of them.`)
}

/** The same for scripts. @param written null if nothing was written */
export const planJson = (
  plan: ImportPlan,
  written: Pick<ImportResult, 'items' | 'files' | 'tooLarge'> | null,
) => ({
  format: plan.format,
  kinds: Object.fromEntries(plan.kinds),
  vaults: plan.vaults.map(({ target, items }) => ({
    id: target.vault?.id ?? null,
    name: target.name,
    items: items.length,
  })),
  trashed: plan.trashed,
  files: plan.files,
  fileBytes: plan.fileBytes,
  present: plan.present,
  presentInTrash: plan.presentInTrash,
  repeated: plan.repeated,
  begun: plan.begun,
  leftovers: grouped(plan.leftovers).map(({ what, wentTo, places }) => ({
    what,
    becomes: wentTo ?? null,
    places,
  })),
  written,
})
