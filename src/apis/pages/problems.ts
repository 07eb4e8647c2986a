// What each problem means, at /problems/<code>, and the form in which browsers are told of failures.
import { pagePaths } from '../../contract/paths.ts'
import { problemCatalogue } from '../../contract/problems.ts'
import { notFound } from '../../domain/failure.ts'
import type { ErrorForm, FailedRequest } from '../../http/api.ts'
import { html } from '../../http/html.ts'
import type { Page } from '../../http/page.ts'
import { plainPage } from './plain-page.ts'

const problemPages = new Map<string, Page>(
  Object.entries(problemCatalogue).map(([code, { status, title, help }]) => [
    code,
    plainPage(
      title,
      html`<p class="soft">${status} · <code>${code}</code></p><h1>${title}</h1><p>${help}</p><p><a href="${pagePaths.documentation}">The contract</a></p>`,
    ),
  ]),
)

/** For a person, who knows nothing of accounts and codes. */
const nothingHere = plainPage(
  'There is nothing here',
  html`<h1>There is nothing here</h1>
<p>The address is mistyped, or was cut short. If you have it from somebody, copy all of it again, up to its last character: nothing was opened or lost.</p>
<p><a href="${pagePaths.home}">The first page</a> · <a href="${pagePaths.documentation}">The contract, for developers</a></p>`,
)

/** What a problem means. Throws `not-found` for a code that does not exist. */
export function problemPage(code: string): Page {
  const page = problemPages.get(code)
  if (!page) throw notFound()
  return page
}

/** Whether a browser shows the answer to a person: it asks for HTML by name, which no client of the contract does. */
const isForPeople = ({ method, path, accept = '' }: FailedRequest): boolean =>
  (method === 'GET' || method === 'HEAD') && !path.startsWith('/api/') && /\btext\/html\b/i.test(accept)

/**
 * For browsers, a page that is the same for every address; for programs, another form.
 * @param forPrograms says the status and the headers in both cases
 */
export const pagesForBrowsers =
  (forPrograms: ErrorForm): ErrorForm =>
  (failure, request) => {
    const written = forPrograms(failure, request)
    if (!isForPeople(request)) return written
    const page = failure.code === 'not-found' ? nothingHere : problemPage(failure.code)
    return { ...written, headers: { ...written.headers, ...page.headers }, body: page.body }
  }
