// The parser of multipart/form-data: a library, behind a module of its own so that it is loaded when the first parts come.
import { Busboy, type BusboyInstance } from '@fastify/busboy'

/** Headers of one part: a name, a file name and a type need no more. */
const partHeaders = { headerPairs: 20, headerSize: 8 * 1024 }

/**
 * A parser that bytes are written to. Fields are streams as files are: the reader decides what their bytes mean.
 * @param contentType of the body
 * @throws Error if `contentType` has no boundary
 */
export const createParser = (
  contentType: string,
  { maxParts, maxPartBytes }: { maxParts: number; maxPartBytes: number },
): BusboyInstance =>
  new Busboy({
    headers: { 'content-type': contentType },
    isPartAFile: () => true,
    limits: { ...partHeaders, parts: maxParts, fileSize: maxPartBytes },
  })
