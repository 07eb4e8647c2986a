// Which declaration a path is found under.
import { expect, it } from 'vitest'
import { Paths } from '../../src/http/paths.ts'

function declare(...declared: (string | RegExp)[]) {
  const paths = new Paths<string>()
  for (const path of declared)
    if (typeof path === 'string') paths.add(path, path)
    else paths.addPattern(path, String(path))
  return (path: string) => {
    const found = paths.find(path)
    return found && [found.value, found.params]
  }
}

it('takes what stands in place of parameters, decoded', () => {
  const find = declare('/vaults/{vaultId}/items/{itemId}', '/vaults')
  expect(find('/vaults/a/items/b%20c%2Fd')).toEqual([
    '/vaults/{vaultId}/items/{itemId}',
    { vaultId: 'a', itemId: 'b c/d' },
  ])
  expect(find('/vaults')).toEqual(['/vaults', {}])
  expect(() => find('/vaults/a/items/%ff')).toThrow(URIError)
  expect(find('/other/%ff')).toBeUndefined()
})

it('takes a path as it is written, with or without one slash at its end', () => {
  const find = declare('/', '/vaults', '/vaults/{vaultId}')
  expect(find('/')).toEqual(['/', {}])
  expect(find('/vaults/')).toEqual(['/vaults', {}])
  expect(find('/vaults/a/')).toEqual(['/vaults/{vaultId}', { vaultId: 'a' }])
  for (const path of ['*', '', 'vaults', '/vaults//', '/vaults//a', '/Vaults', '/v%61ults', '/vaults/a/b'])
    expect(find(path), path).toBeUndefined()
})

it('finds the one that was declared first, wherever its parameters stand', () => {
  const first = declare('/items/{id}', '/items/import', '/{kind}/import')
  expect(first('/items/import')).toEqual(['/items/{id}', { id: 'import' }])
  const second = declare('/items/import', '/items/{id}', '/{kind}/import', '/{kind}/import/{id}')
  expect(second('/items/import')).toEqual(['/items/import', {}])
  expect(second('/items/a')).toEqual(['/items/{id}', { id: 'a' }])
  expect(second('/folders/import')).toEqual(['/{kind}/import', { kind: 'folders' }])
  // The word leads nowhere here, and the parameter does.
  expect(second('/items/import/a')).toEqual(['/{kind}/import/{id}', { kind: 'items', id: 'a' }])
})

it('finds patterns in the same order as all others', () => {
  const find = declare(/^\/a\/[bc]$/, '/a/{name}', /^\/a\/.*$/)
  expect(find('/a/b')).toEqual([String(/^\/a\/[bc]$/), {}])
  expect(find('/a/d')).toEqual(['/a/{name}', { name: 'd' }])
  expect(find('/a/d/e')).toEqual([String(/^\/a\/.*$/), {}])
})
