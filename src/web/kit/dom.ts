// Elements whose words follow the chosen language. Nothing here parses HTML: what the page is given stays text.
import { currentLanguage, type Message, messages } from './language.ts'

type Content = Node | Message | string
type Attributes = Readonly<Record<string, string | boolean | Message>>

/** What has to be said anew when the language changes. */
const spoken = new WeakMap<Node, (() => void)[]>()

function speak(node: Node, say: () => void) {
  say()
  spoken.set(node, [...(spoken.get(node) ?? []), say])
}

function textNode(content: Message | string): Text {
  if (typeof content === 'string') return document.createTextNode(content)
  const text = document.createTextNode('')
  speak(text, () => {
    text.data = content(messages())
  })
  return text
}

function setAttributes(element: Element, attributes: Attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') speak(element, () => element.setAttribute(name, value(messages())))
    else if (typeof value === 'string') element.setAttribute(name, value)
    else element.toggleAttribute(name, value)
  }
}

/** A new element; its attributes and its content may be messages. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...content: Content[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  setAttributes(element, attributes)
  element.append(...content.map((part) => (part instanceof Node ? part : textNode(part))))
  return element
}

/** The same for a drawing. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes,
  ...content: Node[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  setAttributes(element, attributes)
  element.append(...content)
  return element
}

/** Gives an element other words; without a message it says nothing and takes no room. */
export function say(element: HTMLElement, message?: Message): void {
  element.hidden = message === undefined
  element.replaceChildren(...(message ? [textNode(message)] : []))
}

/** Says everything in the chosen language. */
export function sayAnew(): void {
  document.documentElement.lang = currentLanguage()
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
  for (let node: Node | null = walker.root; node; node = walker.nextNode())
    for (const sayAgain of spoken.get(node) ?? []) sayAgain()
}
