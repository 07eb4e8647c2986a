// The folder in which this installation keeps what it needs between runs. Nothing in it opens a vault.
import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { Device } from '../contract/accounts.ts'
import { Vault as VaultShape } from '../contract/vaults.ts'
import {
  LoginPin,
  PendingUpload,
  ReplicaState,
  SessionState,
  type SessionStorage,
  type Vault,
} from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { replaceFile } from './whole-file.ts'

/** The account key under a key that only the environment of a shell holds (`limpet unlock`). */
const UnlockState = z.object({
  accountId: z.string(),
  accountKey: z.string(),
  accountKeyVersion: z.int().min(1).default(1),
})
type UnlockState = z.infer<typeof UnlockState>

/** The account key under a key that only the system's keychain holds, and sealed beside it when it was last used. */
const KeychainState = UnlockState.extend({ use: z.string() })
export type KeychainState = z.infer<typeof KeychainState>

/** Which "limpet lock" was the last one. */
const LockState = z.object({ id: z.string() })

/** A vault as the server gave it, sealed, so that later runs pull changes only and read without the server. */
const VaultState = z.object({ accountId: z.string(), vault: VaultShape, replica: ReplicaState })

/** An upload that an earlier run began. */
const UploadState = PendingUpload.extend({ accountId: z.string(), vaultId: z.string() })
export type UploadState = z.infer<typeof UploadState>

export interface VaultState {
  readonly accountId: string
  readonly vault: Vault
  readonly replica: ReplicaState
}

export interface StoredVault extends VaultState {
  readonly syncedAt: Date
}

/** Where the folder is, by the customs of the system. */
export function stateFolderPath(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const { LIMPET_STATE_DIR, XDG_STATE_HOME, LOCALAPPDATA } = environment
  if (LIMPET_STATE_DIR) return LIMPET_STATE_DIR
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'limpet')
  if (platform === 'win32') return join(LOCALAPPDATA || join(home, 'AppData', 'Local'), 'limpet')
  return join(XDG_STATE_HOME || join(home, '.local', 'state'), 'limpet')
}

const isMissing = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT'

const vaultFile = /^vault-[0-9a-f-]{36}\.json$/
// A file for each, so that two processes never write over each other's; hashed, because an address may hold any character.
const pinFileName = (server: string, email: string) =>
  `login-${createHash('sha256')
    .update(JSON.stringify([server, email]))
    .digest('hex')
    .slice(0, 32)}.json`
const uploadFile = /^upload-[0-9a-f-]{36}\.json$/
const uploadFileName = (id: string) => `upload-${id}.json`
/** How long a server keeps an upload that no item names, in milliseconds. */
const uploadLifetime = 24 * 60 * 60 * 1000
/** Also that of earlier versions, which had one for all shells. */
const unlockFile = /^unlock(-[0-9a-f]{16})?\.json$/
const unlockFileName = (id: string) => `unlock-${id}.json`
/** How long a shell stays unlocked that no command uses, in milliseconds. */
const unlockLifetime = 7 * 24 * 60 * 60 * 1000
const vaultFileName = (id: string) => `vault-${id}.json`

export class StateFolder {
  readonly path: string

  constructor(path: string = stateFolderPath()) {
    this.path = path
  }

  async #read<Shape extends z.ZodType>(name: string, shape: Shape): Promise<z.output<Shape> | undefined> {
    let text: string
    try {
      text = await readFile(join(this.path, name), 'utf8')
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
    try {
      return shape.parse(JSON.parse(text))
    } catch {
      throw new CliError(
        'unexpected',
        `${join(this.path, name)} is not as Limpet writes it. Delete the file, and log in again if you are asked to.`,
      )
    }
  }

  async #write(name: string, value: unknown): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    // A folder that was there before may be open to others.
    await chmod(this.path, 0o700)
    await replaceFile(join(this.path, name), JSON.stringify(value))
  }

  #remove(name: string): Promise<void> {
    return rm(join(this.path, name), { force: true })
  }

  readonly session: SessionStorage = {
    load: () => this.#read('session.json', SessionState),
    save: (state) => this.#write('session.json', state),
    clear: () => this.#remove('session.json'),
    pins: {
      load: (server, email) => this.#read(pinFileName(server, email), LoginPin),
      save: (pin) => this.#write(pinFileName(pin.server, pin.email), pin),
      remove: (server, email) => this.#remove(pinFileName(server, email)),
    },
  }

  /** How this installation is called in the owner's list of sessions; chosen once. */
  async device(): Promise<Device> {
    const known = await this.#read('device.json', Device)
    if (known) return known
    const device = newDevice()
    await this.#write('device.json', device)
    // Another process may have chosen at the same time; the file decides.
    return (await this.#read('device.json', Device)) ?? device
  }

  /** What the keys of shells open, by the ids of these keys. What no shell has used for a week is forgotten. */
  readonly unlock = {
    load: (id: string): Promise<UnlockState | undefined> => this.#read(unlockFileName(id), UnlockState),
    save: async (id: string, state: UnlockState) => {
      await this.#removeUnused(unlockFile, unlockLifetime)
      await this.#write(unlockFileName(id), state)
    },
    touch: (id: string) => this.#touch(unlockFileName(id)),
    clear: (id: string) => this.#remove(unlockFileName(id)),
    clearAll: async () => {
      for (const name of await this.#filesLike(unlockFile)) await this.#remove(name)
    },
    /** How many shells are unlocked. */
    count: async () => (await this.#filesLike(unlockFile)).length,
  }

  /** What a key in the system's keychain opens. */
  readonly keychain = {
    load: (): Promise<KeychainState | undefined> => this.#read('keychain.json', KeychainState),
    save: (state: KeychainState) => this.#write('keychain.json', state),
    clear: () => this.#remove('keychain.json'),
  }

  /** Changes with every "limpet lock", for processes that go on meanwhile. */
  readonly lastLock = {
    load: async (): Promise<string | undefined> => (await this.#read('lock.json', LockState))?.id,
    note: () => this.#write('lock.json', { id: randomUUID() }),
  }

  async #removeUnused(form: RegExp, lifetime: number): Promise<void> {
    for (const name of await this.#filesLike(form)) {
      const used = await stat(join(this.path, name)).catch(() => undefined)
      if (used && Date.now() - used.mtimeMs > lifetime) await this.#remove(name)
    }
  }

  /** The time of a file says when it was last used; it may have been removed meanwhile. */
  async #touch(name: string): Promise<void> {
    const now = new Date()
    await utimes(join(this.path, name), now, now).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
  }

  async #filesLike(form: RegExp): Promise<string[]> {
    try {
      return (await readdir(this.path)).filter((name) => form.test(name))
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  /** The vaults of an account as they were last pulled. */
  async vaults(accountId: string): Promise<StoredVault[]> {
    const stored: StoredVault[] = []
    for (const name of await this.#filesLike(vaultFile)) {
      const state = await this.#read(name, VaultState)
      if (state?.accountId === accountId)
        stored.push({ ...state, syncedAt: (await stat(join(this.path, name))).mtime })
    }
    return stored
  }

  saveVault(state: VaultState): Promise<void> {
    return this.#write(vaultFileName(state.vault.id), state)
  }

  removeVault(id: string): Promise<void> {
    return this.#remove(vaultFileName(id))
  }

  /** Notes that the vault was compared with the server just now: the time of its file says when. */
  touchVault(id: string): Promise<void> {
    return this.#touch(vaultFileName(id))
  }

  /** Uploads that earlier runs began, so that the same command goes on with them. Those that no server has any more are forgotten. */
  readonly uploads = {
    load: async (accountId: string): Promise<UploadState[]> => {
      const uploads: UploadState[] = []
      for (const name of await this.#filesLike(uploadFile)) {
        const begun = await stat(join(this.path, name)).catch(() => undefined)
        if (begun && Date.now() - begun.mtimeMs > uploadLifetime) await this.#remove(name)
        else {
          const upload = await this.#read(name, UploadState)
          if (upload?.accountId === accountId) uploads.push(upload)
        }
      }
      return uploads
    },
    save: (state: UploadState) => this.#write(uploadFileName(state.attachmentId), state),
    remove: (attachmentId: string) => this.#remove(uploadFileName(attachmentId)),
  }

  /** Removes what belongs to other accounts than this one, whose sessions ended without a logout. */
  async forgetOthers(accountId: string): Promise<void> {
    for (const name of await this.#filesLike(unlockFile))
      if ((await this.#read(name, UnlockState))?.accountId !== accountId) await this.#remove(name)
    const own = new Set((await this.vaults(accountId)).map(({ vault }) => vaultFileName(vault.id)))
    for (const name of await this.#filesLike(vaultFile)) if (!own.has(name)) await this.#remove(name)
    const uploads = new Set(
      (await this.uploads.load(accountId)).map((one) => uploadFileName(one.attachmentId)),
    )
    for (const name of await this.#filesLike(uploadFile)) if (!uploads.has(name)) await this.#remove(name)
  }

  /** Removes everything of the account; the device keeps its id, and how accounts logged in here. */
  async forget(): Promise<void> {
    await this.session.clear()
    await this.unlock.clearAll()
    for (const name of await this.#filesLike(vaultFile)) await this.#remove(name)
    for (const name of await this.#filesLike(uploadFile)) await this.#remove(name)
  }
}

/** A device of this host, with a fresh id. */
export function newDevice(): Device {
  const name = hostname()
    .replace(/[\p{Cc}\p{Cs}]/gu, '')
    .slice(0, 100)
  return { id: randomUUID(), name: name || 'command line', type: 'cli' }
}
