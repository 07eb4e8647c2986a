// Who may import whom. `npm run check:imports` fails on a violation, and when it looked at no module at all.
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    rule('no-cycles', 'Nothing imports itself by a detour', {}, { circular: true }),
    rule(
      'contract-is-pure',
      'The wire shapes import zod and nothing else',
      { path: '^src/contract/' },
      {
        pathNot: ['^src/contract/', '^node_modules/zod/'],
      },
    ),
    rule(
      'client-is-portable',
      'The SDK runs in browsers too',
      { path: '^src/client/' },
      {
        pathNot: [
          '^src/(client|contract)/',
          '^node_modules/(zod|hash-wasm|@serenity-kit/opaque|@zxcvbn-ts/(core|language-common))/',
        ],
      },
    ),
    rule(
      'http-knows-no-feature',
      'The HTTP base serves features and knows none',
      { path: '^src/http/' },
      {
        path: '^src/(features|store)/',
      },
    ),
    rule(
      'store-knows-no-feature',
      'The store serves features and knows none',
      { path: '^src/store/' },
      {
        path: '^src/(features|http)/',
      },
    ),
    rule(
      'features-keep-their-routes',
      "A feature may use a sibling's repository, never its routes",
      { path: '^src/features/([^/]+)/' },
      { path: '^src/features/.*routes\\.ts$', pathNot: '^src/features/$1/' },
    ),
    rule(
      'drivers-stay-in-the-store',
      'Database drivers only in the files of their engine',
      { path: '^src/', pathNot: '^src/store/(sqlite|postgres)(-(bulk|examination|listener))?\\.ts$' },
      {
        path: '^node_modules/(better-sqlite3|pg|@types/(better-sqlite3|pg)|drizzle-orm/(better-sqlite3|node-postgres))/',
      },
    ),
    rule(
      'dialects-stay-in-columns',
      'The builders of a dialect only in columns.ts, and their type in store.ts',
      { path: '^src/', pathNot: '^src/store/(columns|store)\\.ts$' },
      { path: '^node_modules/drizzle-orm/(pg|sqlite)-core/' },
    ),
    rule(
      'main-is-the-end',
      'Nothing imports an entry point',
      { path: '^src/' },
      { path: '^src/(healthcheck|limpet-server|cli/limpet)\\.ts$' },
    ),
    rule(
      'cli-uses-the-sdk',
      'The command line goes through the SDK',
      { path: '^src/cli/' },
      {
        path: '^src/(features|http|store)/',
      },
    ),
    rule(
      'web-is-small',
      "The pages use the SDK's portable files and nothing else: what they import, every reader loads",
      { path: '^src/web/' },
      { pathNot: ['^src/(web|client)/', '^node_modules/lean-qr/'] },
    ),
    rule('no-unknown', 'Every import can be found', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
