// One-time shares without the SDK: ciphertexts are Fernet tokens in form only, and proofs random, so that no key is derived.
import { randomBytes } from 'node:crypto'
import { CreatedShare } from '../../src/contract/shares.ts'
import { bodyOf, outcomeOf, type RawRequest, type Server, send } from './requests.ts'

/** A Fernet token in form, of so many blocks, that nobody can open. */
export const fakeFernet = (blocks = 4): string => {
  const text = Buffer.concat([Buffer.from([0x80, 0]), randomBytes(55 + 16 * blocks)]).toString('base64url')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

export const randomProof = () => randomBytes(32).toString('base64url')
export const randomClaim = () => randomBytes(32).toString('base64url')
export const randomShareId = () => randomBytes(16).toString('base64url')

/** What a client would put into a new share. */
export const shareBody = (changes: { ttl?: number; passphrase?: boolean; ciphertext?: string } = {}) => ({
  ciphertext: fakeFernet(),
  proof: randomProof(),
  ...changes,
})

export const postShare = (server: Server, body: object, request: Partial<RawRequest> = {}) =>
  send(server, { method: 'POST', path: '/api/v1/shares', body, ...request })

/** A new share, with what its maker and its reader know of it. */
export async function newShare(
  server: Server,
  changes: Parameters<typeof shareBody>[0] = {},
  /** Where the server wants an account for it. */
  token?: string,
) {
  const { ciphertext, proof } = { ...shareBody(changes) }
  const answer = await postShare(server, { ...changes, ciphertext, proof }, { token })
  if (answer.status !== 201) throw new Error(`Making a share was answered ${outcomeOf(answer)}`)
  const { id, manageToken, expiresAt } = bodyOf(CreatedShare, answer)
  return { id, manageToken, expiresAt: Date.parse(expiresAt), ciphertext, proof }
}

export type RawShare = Awaited<ReturnType<typeof newShare>>

const pathOf = ({ id }: { id: string }) => `/api/v1/shares/${id}`

/** Tries to read a share. The request is changed as told. */
export const reveal = (
  server: Server,
  share: { id: string; proof: string },
  { claim, ...request }: Partial<RawRequest> & { claim?: string | undefined } = {},
) =>
  send(server, {
    method: 'POST',
    path: `${pathOf(share)}/reveal`,
    body: { proof: share.proof, ...(claim !== undefined && { claim }) },
    ...request,
  })

export const acknowledge = (server: Server, share: { id: string }, claim: string) =>
  send(server, { method: 'POST', path: `${pathOf(share)}/ack`, body: { claim } })

export const look = (server: Server, share: { id: string }) =>
  send(server, { method: 'HEAD', path: pathOf(share) })

export const receiptOf = (server: Server, share: { id: string; manageToken: string }) =>
  send(server, { path: `${pathOf(share)}/receipt`, token: share.manageToken })

export const revoke = (server: Server, share: { id: string; manageToken: string }) =>
  send(server, { method: 'DELETE', path: pathOf(share), token: share.manageToken })
