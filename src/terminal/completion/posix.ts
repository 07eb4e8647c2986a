// What the scripts for bash and for zsh have in common.

/** Nothing between single quotes means anything to the shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** The branches of a `case`, each for one text as it is. */
export const branches = (pairs: readonly (readonly [string, string])[]) =>
  pairs.map(([text, action]) => `    ${quoted(text)}) ${action} ;;`).join('\n')
