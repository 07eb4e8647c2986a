// A table of logins as Chrome exports it, of any length.

/** Logins as Chrome exports them. */
export const chrome = (count: number, first = 0) =>
  [
    'name,url,username,password,note',
    ...Array.from({ length: count }, (_, at) => {
      const n = first + at
      return `Site ${n},https://site-${n}.example.com,user-${n},"pass,word-${n}",`
    }),
  ].join('\n')
