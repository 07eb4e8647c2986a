// If-Match and If-None-Match (RFC 9110, section 13) over entity tags that are revisions: "12".
import { z } from 'zod'
import { Failure } from '../domain/failure.ts'

/** The entity tag of a revision. */
export const entityTag = (revision: number) => `"${revision}"`

// A proxy that compresses weakens the tag; a revision names its content exactly, so the weak form means the same.
const revisionOf = (tag: string): number | undefined => {
  const digits = /^(?:W\/)?"([1-9]\d{0,15})"$/.exec(tag.trim())?.[1]
  const revision = Number(digits)
  return Number.isSafeInteger(revision) ? revision : undefined
}

/** Whether a reader already has this revision, by its If-None-Match. */
export const isNotModified = (ifNoneMatch: string | undefined, revision: number) =>
  ifNoneMatch?.split(',').some((tag) => revisionOf(tag) === revision) ?? false

const Headers = z.object({ ifMatch: z.string().optional(), ifNoneMatch: z.string().optional() })

/** The revision that an If-Match names; undefined without the header. Anything else than one revision is an issue. */
function expectedRevision(ifMatch: string | undefined, issues: z.core.$ZodRawIssue[]): number | undefined {
  const revision = ifMatch === undefined ? undefined : revisionOf(ifMatch)
  if (ifMatch !== undefined && revision === undefined)
    issues.push({
      code: 'custom',
      input: ifMatch,
      message: 'Expected If-Match to be one revision in quotes, such as "12"',
    })
  return revision
}

/** For a write that may say which revision it means: that revision, or undefined where it does not say. */
export const OptionalPrecondition = Headers.refine(
  ({ ifNoneMatch }) => ifNoneMatch === undefined,
  'If-None-Match has no meaning here',
).transform(({ ifMatch }, { issues }) => expectedRevision(ifMatch, issues))

/** For a write that must say what it expects to find: exactly one revision, or `nothing`, to create. */
export const RequiredPrecondition = Headers.refine(
  ({ ifMatch, ifNoneMatch }) => ifMatch === undefined || ifNoneMatch === undefined,
  'Expected either If-Match or If-None-Match, not both',
)
  .refine(
    ({ ifNoneMatch }) => ifNoneMatch === undefined || ifNoneMatch.trim() === '*',
    'Expected If-None-Match: * where something is written',
  )
  .transform(({ ifMatch, ifNoneMatch }, { issues }): number | 'nothing' => {
    if (ifMatch === undefined && ifNoneMatch === undefined)
      throw new Failure(
        'precondition-required',
        'This write needs If-Match with the revision that it replaces, or If-None-Match: * to create.',
      )
    return expectedRevision(ifMatch, issues) ?? 'nothing'
  })
