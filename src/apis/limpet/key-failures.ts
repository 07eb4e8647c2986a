// What is answered if a request was made for another key of a vault than the present one.
import { Failure } from '../../domain/failure.ts'
import type { Vault } from '../../domain/vaults/rows.ts'
import { toVault } from './vault-shapes.ts'

/** @param found.current the vault as it stands */
export const keyChangedFailure = ({ current }: { readonly current: Vault }) =>
  new Failure('key-changed', `The key of the vault is at version ${current.keyVersion} now.`, {
    current: toVault(current),
  })

/** @param found.current the vault as it stands */
export const rotationUnderWay = ({ current }: { readonly current: Vault }) =>
  new Failure('rotation-under-way', 'The key of the vault is being changed to another one.', {
    current: toVault(current),
  })
