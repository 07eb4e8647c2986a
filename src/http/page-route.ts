// How pages, and what they load, are put on an application: GET and HEAD, 405 with Allow for everything else.
import type { Express, Request, Response } from 'express'
import { Failure } from '../domain/failure.ts'

/** What is not in the contract and yet answers: the names by which the log knows it. */
const names = new WeakMap<Express, Set<string>>()

/** The names of all that was added to an application beside the routes of the contract. */
export const pageNames = (app: Express): readonly string[] => [...(names.get(app) ?? [])]

/** Notes that an application answers under a name. */
export function nameRoute(app: Express, name: string): void {
  const known = names.get(app) ?? new Set()
  names.set(app, known.add(name))
}

/**
 * Adds a page.
 * @param page.name what the log and the metrics call it; never what stood in its path
 */
export function addPage(
  app: Express,
  { name, path = name }: { name: string; path?: string | RegExp },
  answer: (req: Request, res: Response) => Promise<unknown> | unknown,
): void {
  nameRoute(app, name)
  app.all(path, async (req, res) => {
    res.locals.route = name
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD')
      throw new Failure('method-not-allowed', `${req.method} does not work here; GET and HEAD do.`)
    }
    await answer(req, res)
  })
}
