// Which vault each imported item goes to.

import type { OpenVault } from '../../sdk/index.ts'
import {
  type FolderChoice,
  type ImportTarget,
  type Incoming,
  vaultsAskedFor,
} from '../../sdk/moving/index.ts'
import { oneVault, type Workspace } from '../workspace.ts'

/** Which vault each item goes to. */
export function targetsOf(
  workspace: Workspace,
  incoming: Incoming,
  {
    vault: chosen,
    usual,
    folders,
  }: Record<'vault' | 'usual', string | undefined> & { folders: FolderChoice },
): (name: string | undefined) => ImportTarget {
  const targets = new Map<string, ImportTarget>()
  const toVault = (vault: OpenVault): ImportTarget => {
    const items = workspace.entries.filter((entry) => entry.vault === vault).map(({ item }) => item)
    const target = targets.get(vault.id) ?? { name: vault.name, vault, items }
    targets.set(vault.id, target)
    return target
  }
  const toNew = (name: string): ImportTarget => {
    const target = targets.get(`new ${name}`) ?? { name, vault: undefined, items: [] }
    targets.set(`new ${name}`, target)
    return target
  }
  const asked = vaultsAskedFor(incoming, folders)
  const several = [...asked].filter((name) => name !== undefined).length > 1 || folders === 'vaults'
  return (name) => {
    if (chosen !== undefined || name === undefined) return toVault(oneVault(workspace, chosen ?? usual))
    const there = workspace.vaults.find((vault) => vault.name === name)
    if (there) return toVault(there)
    // The only vault of another program is this account's own only vault, whatever both are called.
    return several ? toNew(name) : toVault(oneVault(workspace, usual))
  }
}
