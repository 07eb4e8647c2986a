// Objects in an S3-compatible store, over its HTTP interface: put, get with a range, delete, list. Requests are signed by aws4fetch
// (AWS Signature Version 4) and sent by Node, so that large bodies stream both ways. The bucket stands in the path, which every
// compatible store understands.
import { once } from 'node:events'
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import { AwsV4Signer } from 'aws4fetch'
import { seconds } from '../clock.ts'
import type { ObjectStore, StoredObject } from '../domain/vaults/attachment-objects.ts'
import { freeMemory } from '../free-memory.ts'

/** A bucket, a folder in it, and who may use it. */
export interface S3Settings {
  /** Of the bucket. */
  readonly url: URL
  /** Before the name of each object: empty, or with a slash at its end. */
  readonly prefix: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** How long nothing may move on a connection. */
const idleMs = seconds(30)

/** How much of an answer is read that is no object: a page of a list has some 300 KB. */
const maxAnswerBytes = 4 * 1024 * 1024

/** The store refused, or could not be reached. */
class ObjectStoreError extends Error {
  override name = 'ObjectStoreError'
  readonly unavailable = true
}

/** @param said its code of an error: no part of a key or an address */
const refused = (method: string, status: number, said: string) =>
  new ObjectStoreError(`The S3-compatible store answered ${status} ${said} to ${method}`)

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new ObjectStoreError('The S3-compatible store answered too much')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** What Node says of a connection: codes such as ECONNREFUSED, CERT_HAS_EXPIRED, ABORT_ERR. What the content throws is passed on. */
const isOfConnection = (error: unknown) =>
  error instanceof Error &&
  'code' in error &&
  /^[A-Z_\d]+$/.test(String(error.code)) &&
  !('unavailable' in error)

/** The text of the first element of a name. Names and times of objects have no character that XML would escape. */
const elementIn = (xml: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

const objectsIn = (xml: string, prefix: string): StoredObject[] =>
  [...xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)].flatMap(([, object = '']) => {
    const [key, size, modified] = ['Key', 'Size', 'LastModified'].map((name) => elementIn(object, name))
    if (!key?.startsWith(prefix) || !modified) return []
    return [{ name: key.slice(prefix.length), bytes: Number(size), modifiedAt: Date.parse(modified) }]
  })

/** Sends a body no faster than the connection takes it, and frees each piece then. */
async function sendAll(outgoing: ClientRequest, content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of content) {
    await new Promise<void>((resolve, reject) => {
      outgoing.write(piece, (error) => (error ? reject(error) : resolve()))
    })
    freeMemory(piece)
  }
  outgoing.end()
}

interface S3Request {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Of an object; none for the bucket. */
  readonly name?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly content?: AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal | undefined
}

/** @returns the store that the operator has set */
export function createS3Store({
  url,
  prefix,
  region,
  accessKeyId,
  secretAccessKey,
}: S3Settings): ObjectStore {
  const isTls = url.protocol === 'https:'
  const agent = isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true })

  /** @returns the answer, of which nothing but the head was read */
  async function ask({ method, name, query = {}, headers = {}, content, signal }: S3Request) {
    const target = new URL(name === undefined ? url : `${url}/${prefix}${name}`)
    for (const [key, value] of Object.entries(query)) target.searchParams.set(key, value)
    const signed = await new AwsV4Signer({
      method,
      url: String(target),
      headers: { ...headers },
      service: 's3',
      region,
      accessKeyId,
      secretAccessKey,
    }).sign()
    const outgoing = (isTls ? httpsRequest : httpRequest)(signed.url, {
      method,
      agent,
      headers: Object.fromEntries(signed.headers),
      timeout: idleMs,
      ...(signal && { signal }),
    })
    outgoing.on('timeout', () => outgoing.destroy(new ObjectStoreError('The S3-compatible store is silent')))
    // An answer may come before the end of what is sent: a refusal.
    const answered = once(outgoing, 'response')
    const sent = content ? sendAll(outgoing, content) : undefined
    if (!content) outgoing.end()
    try {
      const [answer]: IncomingMessage[] = await Promise.race([
        answered,
        ...(sent ? [sent.then(() => answered)] : []),
      ])
      if (!answer) throw new ObjectStoreError('The S3-compatible store did not answer')
      return answer
    } catch (error) {
      outgoing.destroy()
      answered.catch(() => {})
      throw isOfConnection(error) ? new ObjectStoreError('The S3-compatible store cannot be reached') : error
    } finally {
      sent?.catch(() => {})
    }
  }

  /** The text of a successful answer, or an error. */
  async function settled(request: S3Request): Promise<string> {
    const answer = await ask(request)
    const text = await readText(answer)
    const status = answer.statusCode ?? 0
    if (status >= 200 && status < 300) return text
    throw refused(request.method, status, elementIn(text, 'Code') ?? '')
  }

  return {
    async put(name, content, { length, signal }) {
      await settled({ method: 'PUT', name, headers: { 'content-length': String(length) }, content, signal })
    },

    async open(name, { first, last }) {
      const answer = await ask({ method: 'GET', name, headers: { range: `bytes=${first}-${last}` } })
      const status = answer.statusCode ?? 0
      if (status === 206) return answer
      const code = elementIn(await readText(answer), 'Code') ?? ''
      if (status === 404) return undefined
      throw refused('GET', status, code)
    },

    async delete(name) {
      await settled({ method: 'DELETE', name })
    },

    async *list() {
      let next: string | undefined
      do {
        const xml = await settled({
          method: 'GET',
          query: { 'list-type': '2', ...(prefix && { prefix }), ...(next && { 'continuation-token': next }) },
        })
        yield objectsIn(xml, prefix)
        next = elementIn(xml, 'IsTruncated') === 'true' ? elementIn(xml, 'NextContinuationToken') : undefined
      } while (next)
    },
  }
}
