// One connection to an SSH agent (draft-ietf-sshm-ssh-agent): it lists the keys and signs with them, and changes none.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import ssh2 from 'ssh2'
import { stringReader } from '../ssh-keys.ts'
import type { SigningKey } from './keys.ts'

/** Bytes of the longest message, as OpenSSH has it. */
const longestMessage = 256 * 1024

/** SSH_AGENTC_REQUEST_IDENTITIES and SSH_AGENTC_SIGN_REQUEST, and no request at all. */
const [listing, signing, refused] = [11, 13, 0]

/** SSH_AGENT_RSA_SHA2_256 and SSH_AGENT_RSA_SHA2_512 */
const sha2 = 0b110

const message = (type: number) => Buffer.of(0, 0, 0, 1, type)

/** Messages with their lengths in front. Ends at what is none. */
async function* messagesOf(socket: Socket): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0)
      if (length === 0 || length > longestMessage) return
      if (rest.length < 4 + length) break
      yield rest.subarray(0, 4 + length)
      rest = rest.subarray(4 + length)
    }
  }
}

/** Whether a request to sign is whole, is about a key that is here, and does not ask for SHA-1. */
function canBeSigned(request: Buffer, keys: readonly SigningKey[]): boolean {
  try {
    const reader = stringReader(request, 5)
    const blob = reader.string()
    const data = reader.string()
    // Type, two strings with their lengths, flags.
    if (request.length !== 5 + 4 + blob.length + 4 + data.length + 4) return false
    const flags = request.readUInt32BE(request.length - 4)
    const key = keys.find((one) => one.blob.equals(blob))
    return key !== undefined && (key.listed.type !== 'ssh-rsa' || (flags & sha2) !== 0)
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/**
 * What `AgentProtocol` gets in the place of a message. It reads what follows the type of a message that it does not know as another
 * message, such as `session-bind@openssh.com` that `ssh` begins with, and stops at a public key that it does not know.
 */
function understood(request: Buffer, keys: readonly SigningKey[]): Buffer {
  const type = request[4]
  if (type === listing) return message(listing)
  return type === signing && canBeSigned(request, keys) ? request : message(refused)
}

/**
 * Answers what comes over a socket until it closes; closes it at what is no message.
 * @param present what can be signed with, asked for each message
 */
export async function serveConnection(
  socket: Socket,
  present: () => Promise<readonly SigningKey[]>,
): Promise<void> {
  let keys: readonly SigningKey[] = []
  const protocol = new ssh2.AgentProtocol(false)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => socket.destroy())
  protocol.on('error', () => socket.destroy())
  protocol.on('data', (answer: Buffer) => {
    if (socket.writable) socket.write(answer)
  })
  protocol.on('identities', (request) =>
    protocol.getIdentitiesReply(
      request,
      keys.map(({ listed }) => listed),
    ),
  )
  protocol.on('sign', (request, publicKey, data, { hash }) => {
    const blob = publicKey.getPublicSSH()
    const key = keys.find((one) => one.blob.equals(blob))
    if (key) protocol.signReply(request, key.sign(data, hash))
    else protocol.failureReply(request)
  })
  try {
    for await (const request of messagesOf(socket)) {
      keys = await present()
      protocol.write(understood(request, keys))
      // A client that does not read its answers gets no further ones.
      if (socket.writableNeedDrain) await Promise.race([once(socket, 'drain'), closed])
    }
  } catch {
    // A connection that broke off.
  } finally {
    socket.destroy()
    protocol.destroy()
  }
}
