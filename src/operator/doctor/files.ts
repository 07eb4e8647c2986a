// Where files are: whether the S3-compatible store, if one is set, can be asked. Nothing is written there.
import { createS3Store } from '../../objects/s3.ts'
import type { Config } from '../../server/config.ts'
import { error, type Finding, ok } from './finding.ts'

export async function checkFiles({ s3 }: Config): Promise<Finding> {
  if (!s3) return ok('files', 'Files are in the database: there is no S3_URL.')
  const { host } = s3.url
  try {
    for await (const _page of createS3Store(s3).list()) break
    return ok('files', `${host} lists the files. They are in no backup of the database.`)
  } catch (failure) {
    const why =
      failure instanceof Error && 'unavailable' in failure ? failure.message : 'for an unknown reason'
    return error(
      'files',
      `${host} cannot be used: ${why}.`,
      'AccessDenied, InvalidAccessKeyId and SignatureDoesNotMatch: look at key id, secret and region in S3_URL, with special characters percent-encoded. NoSuchBucket: make the bucket. Files wait in the database meanwhile; those that are in the store cannot be read.',
    )
  }
}
