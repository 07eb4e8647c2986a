// The language of the page: chosen by the browser's settings or the reader, remembered where the browser lets it.
import { de } from './messages/de.ts'
import { en, type Messages } from './messages/en.ts'
import { es } from './messages/es.ts'
import { fr } from './messages/fr.ts'
import { nl } from './messages/nl.ts'

const catalogues = { en, de, es, fr, nl }

export type Language = keyof typeof catalogues

/** A sentence in whichever language is chosen. */
export type Message = (messages: Messages) => string

const rememberedAs = 'limpet-language'

export const isLanguage = (name: string | null): name is Language =>
  name !== null && Object.hasOwn(catalogues, name)

/** Every language with its own name. */
export const languages: readonly { readonly language: string; readonly name: string }[] = Object.entries(
  catalogues,
).map(([language, { name }]) => ({ language, name }))

const primary = (tag: string) => tag.toLowerCase().split('-')[0] ?? ''

/** Storage throws where the reader has switched it off. */
function remembered(): string | null {
  try {
    return localStorage.getItem(rememberedAs)
  } catch {
    return null
  }
}

function initial(): Language {
  const candidates = [remembered(), ...navigator.languages.map(primary)]
  return candidates.find(isLanguage) ?? 'en'
}

let current = initial()

export const currentLanguage = (): Language => current

export const messages = (): Messages => catalogues[current]

/** For dates and numbers: the chosen language as the reader's region writes it, such as en-GB. */
export const locale = (): string => navigator.languages.find((tag) => primary(tag) === current) ?? current

export function chooseLanguage(language: Language): void {
  current = language
  try {
    localStorage.setItem(rememberedAs, language)
  } catch {
    // Then it holds for this page.
  }
}
