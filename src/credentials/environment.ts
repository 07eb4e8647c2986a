// The environment of the process: nothing else reads it.

export type Variables = Readonly<Record<string, string | undefined>>

export const environment: Variables = process.env
