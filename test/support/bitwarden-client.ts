// A client of Bitwarden's API with the cryptography of the format: what it reads has to be whole and to open, as with the real programs.
import { randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import {
  type ClientKdf,
  decrypt,
  decryptFile,
  encrypt,
  encryptFile,
  newSymmetricKey,
  type PasswordSecrets,
  rsaPair,
  type SymmetricKey,
  secretsOf,
  sendKeyOf,
  usualKdf,
} from './bitwarden-crypto.ts'
import { type RawAnswer, type Server, send } from './requests.ts'

export interface BitwardenUser {
  readonly email: string
  readonly password: string
  readonly kdf: ClientKdf
}

/** An answer that is no success. */
export class Refused extends Error {
  readonly answer: RawAnswer

  constructor(asked: string, answer: RawAnswer) {
    super(`${asked} was answered ${answer.status}: ${answer.text}`)
    this.answer = answer
  }
}

const succeeded = ({ status }: RawAnswer) => status === 200 || status === 201 || status === 204

async function post(server: Server, path: string, body: unknown): Promise<RawAnswer> {
  const answer = await send(server, { method: 'POST', path, body })
  if (!succeeded(answer)) throw new Refused(`POST ${path}`, answer)
  return answer
}

/** Makes an account as the apps do, where the server asks for no mail. @param chosen random and usual if left out */
export async function registerBitwardenUser(
  server: Server,
  chosen: Partial<BitwardenUser> = {},
): Promise<BitwardenUser> {
  const user = { email: `${randomUUID()}@example.com`, password: 'kelp forest lantern dune', ...chosen }
  const { email, password, kdf = usualKdf } = user
  const answer = await post(server, '/identity/accounts/register/send-verification-email', {
    email,
    name: null,
    receiveMarketingEmails: false,
  })
  const emailVerificationToken = z.string().parse(JSON.parse(answer.text))
  const secrets = await secretsOf(password, email, kdf)
  const userKey = newSymmetricKey()
  const { publicKey, privateKey } = rsaPair()
  await post(server, '/identity/accounts/register/finish', {
    email,
    emailVerificationToken,
    masterPasswordHint: null,
    masterPasswordHash: secrets.hash,
    userSymmetricKey: encrypt(secrets.wrappingKey, userKey),
    kdf: kdf.kdfType,
    kdfIterations: kdf.iterations,
    kdfMemory: kdf.memory,
    kdfParallelism: kdf.parallelism,
    userAsymmetricKeys: { publicKey, encryptedPrivateKey: encrypt(userKey, privateKey) },
  })
  return { email, password, kdf }
}

const EncString = z.string().regex(/^2\.[\w+/]+=*\|[\w+/]+=*\|[\w+/]+=*$/)
const IsoDate = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

const Prelogin = z.object({
  kdf: z.union([z.literal(0), z.literal(1)]),
  kdfIterations: z.int(),
  kdfMemory: z.int().nullable(),
  kdfParallelism: z.int().nullable(),
  kdfSettings: z.object({ kdfType: z.int(), iterations: z.int() }),
})

const Granted = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  scope: z.string(),
  refresh_token: z.string().optional(),
})

const LoggedIn = Granted.extend({
  Key: EncString,
  PrivateKey: EncString,
  Kdf: z.int(),
  KdfIterations: z.int(),
  TwoFactorToken: z.string().optional(),
  UserDecryptionOptions: z.object({
    HasMasterPassword: z.literal(true),
    MasterPasswordUnlock: z.object({ MasterKeyEncryptedUserKey: EncString, Salt: z.string() }),
  }),
})

const Attachment = z.object({
  id: z.string(),
  url: z.string().nullable(),
  fileName: EncString,
  key: EncString.nullable(),
  size: z.string(),
  sizeName: z.string(),
})

const Login = z.object({
  username: EncString.nullable(),
  password: EncString.nullable(),
  totp: EncString.nullable(),
  uris: z.array(z.object({ uri: EncString.nullable(), match: z.int().nullable() })).nullable(),
})

/** What clients need of an item. */
const Cipher = z.object({
  object: z.enum(['cipherDetails', 'cipher']),
  id: z.uuid(),
  organizationId: z.null(),
  folderId: z.uuid().nullable(),
  type: z.int(),
  name: EncString,
  notes: EncString.nullable(),
  favorite: z.boolean(),
  reprompt: z.union([z.literal(0), z.literal(1)]),
  edit: z.literal(true),
  key: EncString.nullable(),
  login: Login.nullable(),
  fields: z.array(z.object({ name: EncString.nullable(), value: EncString.nullable() })).nullable(),
  passwordHistory: z.array(z.object({ password: EncString, lastUsedDate: IsoDate })).nullable(),
  attachments: z.array(Attachment).nullable(),
  creationDate: IsoDate,
  revisionDate: IsoDate,
  deletedDate: IsoDate.nullable(),
  archivedDate: IsoDate.nullable(),
})

const Folder = z.object({ id: z.uuid(), name: EncString, revisionDate: IsoDate })

const Send = z.object({
  id: z.uuid(),
  accessId: z.string(),
  type: z.union([z.literal(0), z.literal(1)]),
  name: EncString,
  key: EncString,
  accessCount: z.int(),
  text: z.object({ text: EncString.nullable(), hidden: z.boolean() }).nullable(),
  file: z.object({ id: z.string(), fileName: EncString, size: z.string() }).nullable(),
  revisionDate: IsoDate,
  deletionDate: IsoDate,
})

const Synced = z.object({
  object: z.literal('sync'),
  profile: z.object({ id: z.uuid(), email: z.string(), key: EncString, securityStamp: z.string() }),
  folders: z.array(Folder),
  collections: z.tuple([]),
  policies: z.tuple([]),
  ciphers: z.array(Cipher),
  sends: z.array(Send),
  userDecryption: z.object({ masterPasswordUnlock: z.object({ masterKeyEncryptedUserKey: EncString }) }),
})

const Upload = z.object({ attachmentId: z.string(), url: z.string(), fileUploadType: z.literal(0) })

/** An item as people see it. */
export interface ItemContent {
  readonly name: string
  readonly notes?: string | null
  readonly username?: string | null
  readonly password?: string | null
  readonly folderId?: string | null
  readonly favorite?: boolean
}

export interface OpenedItem extends Required<ItemContent> {
  readonly id: string
  readonly revisionDate: string
  readonly isInTrash: boolean
  readonly isArchived: boolean
  readonly attachments: readonly { id: string; fileName: string; key: SymmetricKey }[]
}

export interface OpenedVault {
  readonly items: ReadonlyMap<string, OpenedItem>
  /** Names by id. */
  readonly folders: ReadonlyMap<string, string>
  /** Names by id. */
  readonly sends: ReadonlyMap<string, string>
  readonly securityStamp: string
}

/** One part of a form, as the programs upload files. */
function formOf(fileName: string, content: Uint8Array) {
  const boundary = `----${randomUUID()}`
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="data"; filename="${fileName}"\r\nContent-Type: application/octet-stream\r\n\r\n`
  return {
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    raw: Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  }
}

/** The token endpoint. @param form in addition to what every login sends */
export async function askForToken(server: Server, form: Record<string, string>): Promise<RawAnswer> {
  return send(server, {
    method: 'POST',
    path: '/identity/connect/token',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' },
    raw: new URLSearchParams(form).toString(),
  })
}

/** A device that is logged in, and has the keys. */
export class BitwardenDevice {
  readonly server: Server
  readonly user: BitwardenUser
  readonly identifier: string
  readonly accountId: string
  readonly userKey: SymmetricKey
  /** What the client sends in place of the password. */
  readonly passwordHash: string
  #accessToken: string
  readonly #refreshToken: string

  private constructor(
    server: Server,
    user: BitwardenUser,
    { identifier, secrets, answer }: { identifier: string; secrets: PasswordSecrets; answer: RawAnswer },
  ) {
    const granted = LoggedIn.parse(JSON.parse(answer.text))
    this.server = server
    this.user = user
    this.identifier = identifier
    this.passwordHash = secrets.hash
    this.userKey = decrypt(secrets.wrappingKey, granted.Key)
    // The private key has to open, too.
    decrypt(this.userKey, granted.PrivateKey)
    this.#accessToken = granted.access_token
    this.#refreshToken = z.string().parse(granted.refresh_token)
    const [, claims = ''] = this.#accessToken.split('.')
    this.accountId = z
      .object({ sub: z.uuid() })
      .parse(JSON.parse(Buffer.from(claims, 'base64url').toString())).sub
  }

  /**
   * Logs in as `bw` does.
   * @param more further members of the form, such as those of a second factor
   * @throws Refused if the server does not let it in
   */
  static async login(
    server: Server,
    user: BitwardenUser,
    { identifier = randomUUID(), more = {} }: { identifier?: string; more?: Record<string, string> } = {},
  ): Promise<BitwardenDevice> {
    const prelogin = await post(server, '/identity/accounts/prelogin', { email: user.email })
    const { kdf, kdfIterations, kdfMemory, kdfParallelism } = Prelogin.parse(JSON.parse(prelogin.text))
    const told: ClientKdf =
      kdf === 0
        ? { kdfType: 0, iterations: kdfIterations, memory: null, parallelism: null }
        : {
            kdfType: 1,
            iterations: kdfIterations,
            memory: z.int().parse(kdfMemory),
            parallelism: z.int().parse(kdfParallelism),
          }
    const secrets = await secretsOf(user.password, user.email, told)
    const answer = await askForToken(server, {
      grant_type: 'password',
      scope: 'api offline_access',
      client_id: 'cli',
      deviceType: '25',
      deviceIdentifier: identifier,
      deviceName: 'linux',
      username: user.email,
      password: secrets.hash,
      ...more,
    })
    if (answer.status !== 200) throw new Refused('The login', answer)
    return new BitwardenDevice(server, user, { identifier, secrets, answer })
  }

  get accessToken(): string {
    return this.#accessToken
  }

  /** Asks, and resolves with whatever is answered. */
  request(method: string, path: string, body?: unknown): Promise<RawAnswer> {
    return send(this.server, {
      method,
      path,
      token: this.#accessToken,
      headers: {
        'Bitwarden-Client-Name': 'cli',
        'Bitwarden-Client-Version': '2026.9.0',
        'Device-Type': '25',
      },
      ...(body !== undefined && { body }),
    })
  }

  /** @returns the body; undefined if it is empty @throws Refused if it is no success */
  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.request(method, path, body)
    if (!succeeded(answer)) throw new Refused(`${method} ${path}`, answer)
    return answer.text === '' ? undefined : z.unknown().parse(JSON.parse(answer.text))
  }

  /** @throws Refused if the session has ended */
  async refresh(): Promise<void> {
    const answer = await askForToken(this.server, {
      grant_type: 'refresh_token',
      client_id: 'cli',
      refresh_token: this.#refreshToken,
    })
    if (answer.status !== 200) throw new Refused('The refresh', answer)
    this.#accessToken = Granted.parse(JSON.parse(answer.text)).access_token
  }

  /** In milliseconds. */
  async revision(): Promise<number> {
    return z.int().parse(await this.ask('GET', '/api/accounts/revision-date'))
  }

  /** Everything, opened. @throws if anything of it does not open, or a member is missing that clients need */
  async sync(): Promise<OpenedVault> {
    const { ciphers, folders, sends, profile } = Synced.parse(
      await this.ask('GET', '/api/sync?excludeDomains=true'),
    )
    return {
      items: new Map(ciphers.map((cipher) => [cipher.id, this.#open(cipher)])),
      folders: new Map(folders.map(({ id, name }) => [id, decrypt(this.userKey, name).toString()])),
      sends: new Map(
        sends.map(({ id, key, name }) => [
          id,
          decrypt(sendKeyOf(decrypt(this.userKey, key)), name).toString(),
        ]),
      ),
      securityStamp: profile.securityStamp,
    }
  }

  #open(cipher: z.infer<typeof Cipher>): OpenedItem {
    const key = cipher.key === null ? this.userKey : decrypt(this.userKey, cipher.key)
    const text = (sealed: string | null | undefined) =>
      sealed === null || sealed === undefined ? null : decrypt(key, sealed).toString()
    for (const { name, value } of cipher.fields ?? []) [name, value].map(text)
    for (const { password } of cipher.passwordHistory ?? []) text(password)
    for (const { uri } of cipher.login?.uris ?? []) text(uri)
    return {
      id: cipher.id,
      name: decrypt(key, cipher.name).toString(),
      notes: text(cipher.notes),
      username: text(cipher.login?.username),
      password: text(cipher.login?.password),
      folderId: cipher.folderId,
      favorite: cipher.favorite,
      revisionDate: cipher.revisionDate,
      isInTrash: cipher.deletedDate !== null,
      isArchived: cipher.archivedDate !== null,
      attachments: (cipher.attachments ?? []).map(({ id, fileName, key: sealed }) => ({
        id,
        fileName: decrypt(key, fileName).toString(),
        key: sealed === null ? key : decrypt(key, sealed),
      })),
    }
  }

  /** A login as a request has it. */
  sealed(content: ItemContent): Record<string, unknown> {
    const text = (open: string | null | undefined) =>
      open === null || open === undefined ? null : encrypt(this.userKey, open)
    return {
      type: 1,
      encryptedFor: this.accountId,
      folderId: content.folderId ?? null,
      name: encrypt(this.userKey, content.name),
      notes: text(content.notes),
      favorite: content.favorite ?? false,
      reprompt: 0,
      login: {
        response: null,
        uris: [],
        username: text(content.username),
        password: text(content.password),
        passwordRevisionDate: null,
        totp: null,
      },
      fields: null,
      passwordHistory: null,
      attachments: {},
      attachments2: {},
    }
  }

  async createItem(content: ItemContent): Promise<OpenedItem> {
    return this.#open(Cipher.parse(await this.ask('POST', '/api/ciphers', this.sealed(content))))
  }

  /** @param known the revision date that this client has seen; nothing is compared if left out */
  async replaceItem(id: string, content: ItemContent, known?: string): Promise<OpenedItem> {
    const body = { ...this.sealed(content), ...(known !== undefined && { lastKnownRevisionDate: known }) }
    return this.#open(Cipher.parse(await this.ask('PUT', `/api/ciphers/${id}`, body)))
  }

  async createFolder(name: string): Promise<string> {
    const made = await this.ask('POST', '/api/folders', { name: encrypt(this.userKey, name) })
    return Folder.parse(made).id
  }

  /** Adds a file to an item that has no key of its own. @returns the id of the attachment */
  async attach(itemId: string, name: string, content: Uint8Array): Promise<string> {
    const key = newSymmetricKey()
    const [sealed, fileName] = [encryptFile(key, content), encrypt(this.userKey, name)]
    const path = `/api/ciphers/${itemId}/attachment`
    const { attachmentId } = Upload.parse(
      await this.ask('POST', `${path}/v2`, {
        key: encrypt(this.userKey, key),
        fileName,
        fileSize: sealed.length,
        adminRequest: false,
      }),
    )
    await this.upload(`${path}/${attachmentId}`, fileName, sealed)
    return attachmentId
  }

  /** Sends a file that was announced. @param fileName encrypted */
  async upload(path: string, fileName: string, sealed: Uint8Array): Promise<void> {
    const form = formOf(fileName, sealed)
    const answer = await send(this.server, { method: 'POST', path, token: this.#accessToken, ...form })
    if (!succeeded(answer)) throw new Refused('The upload', answer)
  }

  /** The content of an attachment, opened. */
  async download(itemId: string, { id, key }: { id: string; key: SymmetricKey }): Promise<Buffer> {
    const { url } = Attachment.parse(await this.ask('GET', `/api/ciphers/${itemId}/attachment/${id}`))
    const { pathname, search } = new URL(z.string().parse(url))
    const response = await fetch(`${this.server.url}${pathname}${search}`)
    if (!response.ok) throw new Error(`The download was answered ${response.status}`)
    return decryptFile(key, Buffer.from(await response.arrayBuffer()))
  }

  /** @returns what a request for a text Send has, and the secret of its link */
  sealedSend(name: string, text: string, deletionDate: Date) {
    const secret = randomBytes(16)
    const key = sendKeyOf(secret)
    return {
      secret,
      body: {
        type: 0,
        authType: 2,
        name: encrypt(key, name),
        notes: null,
        key: encrypt(this.userKey, secret),
        maxAccessCount: null,
        expirationDate: null,
        deletionDate: deletionDate.toISOString(),
        text: { response: null, text: encrypt(key, text), hidden: false },
        password: null,
        emails: null,
        disabled: false,
        hideEmail: false,
      },
    }
  }
}
