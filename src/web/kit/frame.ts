// What both pages have around them: the choice of language, the title, and one view at a time.
import { h, say, sayAnew } from './dom.ts'
import { chooseLanguage, currentLanguage, isLanguage, languages, type Message } from './language.ts'

const main = document.querySelector('main') ?? document.body

function languageChoice(): HTMLElement {
  const select = h(
    'select',
    {},
    ...languages.map(({ language, name }) => h('option', { value: language }, name)),
  )
  select.value = currentLanguage()
  select.addEventListener('change', () => {
    if (!isLanguage(select.value)) return
    chooseLanguage(select.value)
    sayAnew()
  })
  return h(
    'label',
    { class: 'language' },
    h('span', { class: 'unseen' }, (m) => m.language),
    select,
  )
}

/** Puts the choice of language into the header. Once for each page. */
export function frame(): void {
  document.querySelector('header')?.append(languageChoice())
  sayAnew()
}

let isFirst = true

/**
 * Shows a view in place of the one before it. Its title is the page's, and takes the focus, so that a reader who cannot see the
 * page is told that it has changed; only not as the page opens, where the focus is at its beginning.
 */
export function show(title: Message, ...content: Node[]): void {
  const heading = h('h1', { tabindex: '-1' }, title)
  const name = document.querySelector('title')
  if (name) say(name, (m) => `${title(m)} · Limpet`)
  main.replaceChildren(heading, ...content)
  if (!isFirst) heading.focus()
  isFirst = false
}

/** A view that says one thing: what happened, and what to do next. */
export const showSentence = (title: Message, sentence: Message, ...content: Node[]): void =>
  show(title, h('p', { class: 'lead' }, sentence), ...content)

/** Whether this browser gives the page what it encrypts with; it does so on https and on the machine itself. */
export const canEncrypt = (): boolean => 'subtle' in crypto

export const showNoCrypto = (): void =>
  showSentence(
    (m) => m.noCryptoTitle,
    (m) => m.noCrypto,
  )
