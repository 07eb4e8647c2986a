// Who is asked: a person at a terminal, or what comes on standard input.
import { PipePrompter } from './pipe-prompter.ts'
import type { Prompter } from './prompter.ts'
import { type Input, TerminalPrompter } from './terminal-prompter.ts'

/** Opened only when something is asked, so that commands without questions leave standard input alone. */
export function createPrompter(input: () => Input = () => process.stdin): Prompter {
  let opened: Prompter | undefined
  const prompter = () => {
    opened ??= input().isTTY ? new TerminalPrompter(input()) : new PipePrompter(input())
    return opened
  }
  return {
    get interactive() {
      return prompter().interactive
    },
    get isOpened() {
      return opened !== undefined
    },
    secret: (question, options) => prompter().secret(question, options),
    line: (question) => prompter().line(question),
    text: (question) => prompter().text(question),
    bytes: (question, most) => prompter().bytes(question, most),
    pieces: (question) => prompter().pieces(question),
    confirm: (question, options) => prompter().confirm(question, options),
    close: () => opened?.close(),
  }
}
