// The paths, of which each stands once: every route of the contract is one of them, and values stay within their segment.
// Tests that speak HTTP write paths out, so that none of them changes unnoticed.
import { describe, expect, it } from 'vitest'
import { contract } from '../../src/apis/limpet/api.ts'
import * as paths from '../../src/contract/paths.ts'
import { parseDocument } from '../support/openapi.ts'

const { operatorPaths: _operator, pagePaths: _pages, snapPassPaths: _snapPass, pathTo, ...api } = paths

describe('the paths', () => {
  it('are those of the routes, no more and no fewer', () => {
    const document = parseDocument(contract('https://limpet.example'))
    const named = Object.values(api).flatMap((group) => Object.values<string>(group))
    expect(named.sort()).toEqual(Object.keys(document.paths).sort())
  })

  it('take their parameters, percent-encoded', () => {
    const { itemPaths, sharePaths } = paths
    expect(pathTo(itemPaths.versions, { vaultId: 'v', itemId: 'i' })).toBe(
      '/api/v1/vaults/v/items/i/versions',
    )
    expect(pathTo(sharePaths.share, { shareId: '../x?y#z' })).toBe('/api/v1/shares/..%2Fx%3Fy%23z')
  })
})
