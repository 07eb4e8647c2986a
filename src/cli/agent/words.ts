// What the program and the process that it starts say to each other.

/** The first argument of a process that holds a key; what it is to hold comes on its standard input. */
export const holderArgument = '--hold-key'

/** What it says once it listens. */
export const readyWord = 'ready'
