// Who may import whom (docs/architecture.md). `npm run check:imports` fails on a violation, and when it looked at no module at all.
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

/** Of a room and what it may import: everything else is refused. Node's own modules are `core`. */
const room = (name, comment, folder, allowed, options = {}) =>
  rule(
    name,
    comment,
    { path: folder, ...(options.except && { pathNot: options.except }) },
    { pathNot: [folder, ...allowed], ...(options.core !== false && { dependencyTypesNot: ['core'] }) },
  )

const packages = (...names) => `^node_modules/(@types/)?(${names.join('|')})/`

/** Files beside the rooms that hold one small thing each, and import nothing of the project but each other. */
const basics = '^src/(aes-gcm|clock|free-memory|random|units|version|package-folder)\\.ts$'

module.exports = {
  forbidden: [
    rule('no-cycles', 'No file imports itself by a detour', {}, { circular: true }),
    {
      ...rule('no-cycles-of-folders', 'No folder imports itself by a detour', {}, { circular: true }),
      scope: 'folder',
    },
    room('basics-are-basic', 'What everybody imports imports nobody', basics, [packages('zod')]),
    room(
      'contract-is-pure',
      'The wire shapes import zod and nothing else',
      '^src/contract/',
      [packages('zod')],
      {
        core: false,
      },
    ),
    room(
      'protocol-is-portable',
      'The bytes are made in Node and in browsers',
      '^src/protocol/',
      ['^src/contract/', packages('hash-wasm', '@serenity-kit/opaque')],
      { core: false },
    ),
    room(
      'sdk-is-portable',
      'The SDK runs in browsers too',
      '^src/sdk/',
      ['^src/(protocol|contract)/', packages('zod', '@zxcvbn-ts/core', '@zxcvbn-ts/language-common')],
      { core: false, except: '^src/sdk/moving/' },
    ),
    room(
      'moving-is-portable',
      'What reads and writes files of other programs runs in browsers too',
      '^src/sdk/moving/',
      [
        '^src/(sdk|protocol|contract)/',
        packages('zod', 'hash-wasm', 'csv-parse', 'fflate', 'kdbxweb', 'saxes', '@xmldom/xmldom'),
      ],
      { core: false },
    ),
    rule(
      'sdk-without-moving',
      'Who does not move in or out does not load libraries for files of other programs',
      { path: '^src/(sdk|web)/', pathNot: '^src/sdk/moving/' },
      { path: '^src/sdk/moving/' },
    ),
    room(
      'web-is-small',
      'The pages use the SDK and what it stands on: what they import, every reader loads',
      '^src/web/',
      ['^src/(sdk|protocol|contract)/', packages('lean-qr')],
      { core: false },
    ),
    rule(
      'domain-knows-no-http',
      'The rules hold whoever asks and however',
      { path: '^src/domain/' },
      {
        path: ['^src/', packages('express', 'express-serve-static-core', 'helmet'), '^https?$'],
        pathNot: ['^src/(domain|store|contract|protocol)/', basics],
      },
    ),
    rule(
      'http-serves-every-api',
      'The engine of every API knows none, and no rule of the product but what a failure is',
      { path: '^src/http/' },
      { path: '^src/', pathNot: ['^src/(http|contract)/', '^src/domain/failure\\.ts$', basics] },
    ),
    rule(
      'apis-translate',
      'An API is over the domain and HTTP',
      { path: '^src/apis/' },
      {
        path: '^src/',
        pathNot: ['^src/(apis|domain|http|contract|protocol)/', '^src/store/store\\.ts$', basics],
      },
    ),
    rule(
      'apis-stand-side-by-side',
      'No API imports another one',
      { path: '^src/apis/([^/]+)/' },
      { path: '^src/apis/', pathNot: '^src/apis/$1/' },
    ),
    rule(
      'store-knows-no-rules',
      'The store serves the domain and knows nothing of it',
      { path: '^src/store/' },
      { path: '^src/', pathNot: ['^src/store/', basics] },
    ),
    rule(
      'objects-know-no-rules',
      'The store of objects serves the domain, as whose form it has',
      { path: '^src/objects/' },
      { path: '^src/', pathNot: ['^src/objects/', '^src/domain/vaults/attachment-objects\\.ts$', basics] },
    ),
    rule(
      'terminal-serves-both-programs',
      'What both command lines share knows neither',
      { path: '^src/terminal/' },
      { path: '^src/', pathNot: ['^src/terminal/', basics] },
    ),
    rule(
      'cli-uses-the-sdk',
      'The command line goes through the SDK',
      { path: '^src/cli/' },
      { path: '^src/', pathNot: ['^src/(cli|terminal|sdk|protocol|contract)/', basics] },
    ),
    rule(
      'operator-is-no-client',
      "The operator's commands work on the server's side",
      { path: '^src/operator/' },
      { path: '^src/(cli|sdk|web|apis|http)/' },
    ),
    rule(
      'server-is-on-top',
      'Only the programs and the operator import what puts the server together',
      { path: '^src/', pathNot: ['^src/(server|operator)/', '^src/(limpet-server|healthcheck)\\.ts$'] },
      { path: '^src/server/' },
    ),
    rule(
      'drivers-stay-in-the-store',
      'Database drivers only in the files of their engine',
      {
        path: '^src/',
        pathNot:
          '^src/store/(sqlite|postgres)(-(bulk|checkpoints|errors|examination|listener|pieces))?\\.ts$',
      },
      {
        path: '^node_modules/(better-sqlite3|pg|@types/(better-sqlite3|pg)|drizzle-orm/(better-sqlite3|node-postgres))/',
      },
    ),
    rule(
      'dialects-stay-in-columns',
      'The builders of a dialect only in columns.ts, their type in store.ts, and the parameters of SQLite in sqlite.ts',
      { path: '^src/', pathNot: '^src/store/(columns|sqlite|store)\\.ts$' },
      { path: '^node_modules/drizzle-orm/(pg|sqlite)-core/' },
    ),
    rule(
      'main-is-the-end',
      'Nothing imports an entry point',
      { path: '^src/' },
      { path: '^src/(healthcheck|limpet-server|cli/limpet)\\.ts$' },
    ),
    rule('no-unknown', 'Every import can be found', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    preserveSymlinks: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
