// Why a server does not answer, and what to do about it: a sentence for each cause that a person can tell apart.
import type { NetworkError } from '../sdk/index.ts'

const elsewhere = 'or name another server with --server or LIMPET_SERVER'

const untrusted = (server: string) =>
  `The certificate of ${server} is not from an authority that this machine trusts. If the server is yours, set NODE_EXTRA_CA_CERTS to the file of its certificate, such as secrets/tls.crt. If not, somebody may stand in between: do not log in.`

const noTls = (server: string) =>
  `What answers at ${server} does not speak TLS. A server on this machine without TLS has an address with http://; otherwise check the port.`

const noHttp = (server: string) =>
  `What answers at ${server} is no web server, or one that wants https:// and not http://. Check the address and the port.`

const noRoute = (server: string) =>
  `There is no way to ${server} from here. Check the connection, then try again.`

/** By the code of Node's error: of the system, of OpenSSL, of Node's HTTP. */
const sentences: Readonly<Record<string, (server: string) => string>> = {
  ECONNREFUSED: (server) => `Nothing listens at ${server}. Start the server there, ${elsewhere}.`,
  ENOTFOUND: (server) => `There is no machine of that name: ${server}. Check the address, ${elsewhere}.`,
  EAI_AGAIN: (server) =>
    `The name in ${server} cannot be looked up, since no name server answers. Check the connection, then try again.`,
  EHOSTUNREACH: noRoute,
  ENETUNREACH: noRoute,
  ETIMEDOUT: noRoute,
  ECONNRESET: (server) =>
    `What is at ${server} ended the connection without an answer. Check the address, also whether it begins with http:// or https://, then try again.`,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  HPE_INVALID_CONSTANT: noHttp,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_HAS_EXPIRED: (server) =>
    `The certificate of ${server} has expired. Its operator has to renew it; check this machine's clock, too.`,
  CERT_NOT_YET_VALID: (server) =>
    `The certificate of ${server} is not valid yet. Check this machine's clock.`,
  ERR_TLS_CERT_ALTNAME_INVALID: (server) =>
    `The certificate of ${server} is for another name. Use the name that it was made for. If you did, somebody may stand in between: do not log in.`,
  TimeoutError: (server) =>
    `What is at ${server} takes the connection and keeps silent. Check the address, or ask the server's operator.`,
  ERR_REDIRECTED: (server) =>
    `${server} redirects to another address, which is not followed. Give the address that it redirects to.`,
}

/** The error's own code, or that of what caused it. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.name in sentences ? error.name : codeOf(error.cause)
}

/** What happened, and what to do. @param server its URL */
export function networkSentence({ message, cause, server }: NetworkError): string {
  const code = codeOf(cause)
  const known = code === undefined ? undefined : sentences[code]
  if (known && server !== undefined) return known(server)
  return `${message}. Check the address and the connection, then try again.`
}
