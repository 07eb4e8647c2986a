/** The first word of the command line of the process that clears the clipboard. By itself, so that every start need not load the rest. */
export const clearingArgument = 'clear-clipboard-later'
