// XML as a tree of elements, without entities of its own and without depth that would break a reader.
import { SaxesParser } from 'saxes'
import { ImportError } from './incoming.ts'

const deepest = 128

/** An element: its attributes, its text without that of the elements in it, and these. */
export class Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[] = []
  text = ''

  constructor(name: string, attributes: Readonly<Record<string, string>> = {}) {
    this.name = name
    this.attributes = attributes
  }

  all(name: string): readonly Element[] {
    return this.children.filter((child) => child.name === name)
  }

  /** The first element of this name, or an empty one. */
  one(name: string): Element {
    return this.children.find((child) => child.name === name) ?? new Element(name)
  }
}

/**
 * The root of an XML text. Only the five entities of XML itself are known, so that none can grow.
 * @throws ImportError `malformed`
 */
export function parseXml(text: string): Element {
  const malformed = () =>
    new ImportError(
      'malformed',
      'The file is no well-formed XML: it is cut off, or was changed. Export it again.',
    )
  const top = new Element('')
  const open = [top]
  const parser = new SaxesParser({ xmlns: false })
  parser.on('error', () => {
    throw malformed()
  })
  parser.on('opentag', ({ name, attributes }) => {
    const element = new Element(name, attributes)
    open.at(-1)?.children.push(element)
    open.push(element)
    if (open.length > deepest) throw malformed()
  })
  const append = (text: string) => {
    const element = open.at(-1)
    if (element) element.text += text
  }
  parser.on('text', append)
  parser.on('cdata', append)
  parser.on('closetag', () => {
    open.pop()
  })
  parser.write(text).close()
  const [root] = top.children
  if (!root) throw malformed()
  return root
}
