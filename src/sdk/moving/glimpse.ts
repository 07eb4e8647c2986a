// What formats are recognised by: a look at a file's content, done once for all readers.
import type { NewFile } from '../new-file.ts'
import { headerOf } from './csv.ts'
import { beginningOf, encodingOf, textOf, wholeFile } from './whole-file.ts'

/** What is looked at before a format is known. */
const headBytes = 64 * 1024

/** A file, as far as it has to be looked at to tell its format. Each look is taken once. */
export interface Glimpse {
  /** The first bytes of the file. */
  readonly head: Uint8Array
  /** The same as text, without its byte order mark. What is no text is something else. */
  readonly text: string
  /** The names in the first line of a file of comma-separated values; undefined for other files. */
  readonly header: readonly string[] | undefined
  /** The value of a JSON file; undefined for other files. */
  json(): Promise<unknown>
}

/** The beginning of a text, whose last character may be cut off. */
const beginning = (head: Uint8Array) => new TextDecoder(encodingOf(head)).decode(head)

const isText = (text: string) => !text.includes('\0')
const isJson = (text: string) => /^\s*[{[]/.test(text)
const isXml = (text: string) => /^\s*</.test(text)

/** A look at a file. Throws ImportError `too-large`. */
export async function glimpseOf(file: NewFile): Promise<Glimpse> {
  const head = await beginningOf(file, headBytes)
  const text = beginning(head)
  let parsed: Promise<unknown> | undefined
  const parse = async (): Promise<unknown> => {
    if (!isJson(text)) return undefined
    try {
      return JSON.parse(textOf(await wholeFile(file)))
    } catch (error) {
      if (error instanceof SyntaxError) return undefined
      throw error
    }
  }
  return {
    head,
    text,
    header: isText(text) && !isJson(text) && !isXml(text) ? headerOf(text) : undefined,
    json() {
      parsed ??= parse()
      return parsed
    },
  }
}
