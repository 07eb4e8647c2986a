// Of ssh2, the programs have what an agent needs: its protocol and its reader of keys, without client, server and native code.
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'

/** Native code that ssh2 goes on without. */
const native = /^(cpu-features|\.\/crypto\/build\/Release\/sshcrypto\.node)$/

/** A cipher of connections, in WebAssembly that would be compiled at once. */
const poly1305 = /\/node_modules\/ssh2\/lib\/protocol\/crypto\/poly1305\.js$/

export const smallSsh2: Plugin = {
  name: 'small-ssh2',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\/node_modules\/ssh2\/lib\/index\.js$/ }, ({ path }) => ({
      contents: `exports.AgentProtocol = require('./agent.js').AgentProtocol
exports.utils = { parseKey: require('./protocol/keyParser.js').parseKey }`,
      resolveDir: dirname(path),
    }))
    // It looks there for a program of Windows, and a module has no such name.
    onLoad({ filter: /\/node_modules\/ssh2\/lib\/agent\.js$/ }, ({ path }) => ({
      contents: `const __dirname = '';${readFileSync(path, 'utf8')}`,
      resolveDir: dirname(path),
    }))
    onLoad({ filter: poly1305 }, () => ({
      contents: 'module.exports = async () => ({ _malloc() {}, cwrap() {} })',
    }))
    onResolve({ filter: native }, ({ path }) => ({ path, namespace: 'absent' }))
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: "throw new Error('Not built in')" }))
  },
}
