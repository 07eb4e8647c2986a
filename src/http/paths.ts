// Finds what was declared for the path of a request by its segments, so that it takes as long among hundreds of paths as among few.

/** What was found, and what stands in the path where the declaration has parameters. */
interface Found<T> {
  readonly value: T
  readonly params: Readonly<Record<string, string>>
}

interface Declared<T> {
  /** Of two that match a path, the one that was declared first answers. */
  readonly order: number
  readonly value: T
  /** Names of parameters, where they stand among the segments. */
  readonly names: readonly (readonly [at: number, name: string])[]
}

/** Where declared paths go on after some segments. */
class Fork<T> {
  readonly literals = new Map<string, Fork<T>>()
  parameter: Fork<T> | undefined
  /** What is declared for a path that ends here. */
  end: Declared<T> | undefined
}

const parameterName = (segment: string) => /^\{(\w+)\}$/.exec(segment)?.[1]

/** A slash at the end makes no other path. */
const segmentsOf = (path: string) => (path.endsWith('/') ? path.slice(1, -1) : path.slice(1)).split('/')

const earlier = <T>(one: Declared<T> | undefined, other: Declared<T> | undefined) =>
  one && other && other.order < one.order ? other : (one ?? other)

export class Paths<T> {
  readonly #root = new Fork<T>()
  readonly #patterns: { readonly pattern: RegExp; readonly declared: Declared<T> }[] = []
  #declared = 0

  /** @param path parameters stand in braces, each of them a whole segment */
  add(path: string, value: T): void {
    const segments = segmentsOf(path)
    const names = segments.flatMap((segment, at) => {
      const name = parameterName(segment)
      return name === undefined ? [] : [[at, name] as const]
    })
    let fork = this.#root
    for (const segment of segments) {
      const isParameter = parameterName(segment) !== undefined
      const next = (isParameter ? fork.parameter : fork.literals.get(segment)) ?? new Fork<T>()
      if (isParameter) fork.parameter = next
      else fork.literals.set(segment, next)
      fork = next
    }
    fork.end ??= this.#declare(value, names)
  }

  /** @param pattern of whole paths as they are sent */
  addPattern(pattern: RegExp, value: T): void {
    this.#patterns.push({ pattern, declared: this.#declare(value, []) })
  }

  /**
   * @param path as it was sent, without the query
   * @returns undefined if nothing was declared for it
   * @throws URIError if a parameter is not percent-encoded UTF-8
   */
  find(path: string): Found<T> | undefined {
    // `OPTIONS *` asks for no path.
    if (!path.startsWith('/')) return undefined
    const segments = segmentsOf(path)
    const bySegments = endAt(this.#root, segments, 0)
    const byPattern = this.#patterns.find(
      ({ pattern, declared }) => earlier(bySegments, declared) === declared && pattern.test(path),
    )
    const declared = byPattern?.declared ?? bySegments
    if (!declared) return undefined
    const params: Record<string, string> = {}
    for (const [at, name] of declared.names) params[name] = decodeURIComponent(segments[at] ?? '')
    return { value: declared.value, params }
  }

  #declare(value: T, names: Declared<T>['names']): Declared<T> {
    return { order: this.#declared++, value, names }
  }
}

/** What is declared for the segments from one on: both ways are gone where a parameter stands beside words of its own. */
function endAt<T>(fork: Fork<T>, segments: readonly string[], at: number): Declared<T> | undefined {
  const segment = segments[at]
  if (segment === undefined) return fork.end
  const next = fork.literals.get(segment)
  const byWord = next && endAt(next, segments, at + 1)
  const { parameter } = fork
  if (!parameter || segment === '') return byWord
  return earlier(byWord, endAt(parameter, segments, at + 1))
}
