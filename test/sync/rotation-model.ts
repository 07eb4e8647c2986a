// The model for changes of a vault's key: two clients that write and change the key, which die and lose answers in the middle, and a
// reader that opens everything at every moment.
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import {
  ConflictError,
  Limpet,
  memorySessionStorage,
  type OpenVault,
  Replica,
  type ReplicaState,
  type RotationOptions,
  type SessionStorage,
  type UnlockedAccount,
} from '../../src/sdk/index.ts'
import type { Fetch } from '../../src/sdk/request.ts'

interface ModelItem {
  name: string
  trashed: boolean
  /** How often it was written: a client that saw the last time meets no conflict. */
  writes: number
  /** The names that were replaced, newest first. */
  replaced: string[]
}

/** What the vault must hold, whatever its keys. */
export interface Model {
  items: Map<string, ModelItem>
  /** Set once a change of the key may have dropped versions. */
  mayDrop: boolean
}

/** A client dies here: what it was doing ends with this, and nothing is tried again. */
class Killed extends Error {
  override readonly name = 'Killed'
}

type FaultKind = 'killed before' | 'killed after' | 'answer lost'

interface Fault {
  /** At the request with this number, from 1. */
  readonly at: number
  readonly kind: FaultKind
}

/** A network that loses an answer, or its client, at a request; and that lets others do something before each. */
class Network {
  #count = 0
  #fault: Fault | undefined
  #before: (count: number) => Promise<void> = async () => {}

  begin(fault: Fault | undefined, before: (count: number) => Promise<void>): void {
    this.#count = 0
    this.#fault = fault
    this.#before = before
  }

  end(): void {
    this.begin(undefined, async () => {})
  }

  readonly fetch: Fetch = async (url, request) => {
    this.#count++
    await this.#before(this.#count)
    const { kind, at } = this.#fault ?? {}
    const isNow = at === this.#count
    if (isNow && kind === 'killed before') return this.#dead(0)
    const answer = await fetch(url, request)
    if (!isNow) return answer
    await answer.arrayBuffer()
    if (kind === 'answer lost') throw new Error('The answer is lost')
    return this.#dead(answer.status)
  }

  /** An answer that ends its reader in a way that is not taken for a lost connection. */
  #dead(status: number): Awaited<ReturnType<Fetch>> {
    const die = () => {
      throw new Killed()
    }
    return { ok: true, status, headers: new Headers(), body: { getReader: die, cancel: async () => {} } }
  }
}

/** One device: what it keeps survives its program. */
export class Device {
  readonly network = new Network()
  readonly #storage: SessionStorage = memorySessionStorage()
  readonly #limpet: Limpet
  readonly #password: string
  readonly #vaultId: string
  #account: UnlockedAccount | undefined
  #vault: OpenVault | undefined
  replica = new Replica()
  /** By item, how often it had been written when this device last saw it. */
  known = new Map<string, number>()

  constructor(server: { url: string }, { password, vaultId }: { password: string; vaultId: string }) {
    this.#password = password
    this.#vaultId = vaultId
    this.#limpet = new Limpet({
      server: server.url,
      device: { id: randomUUID(), name: 'model', type: 'other' },
      storage: this.#storage,
      fetch: this.network.fetch,
      acceptAuthKey: () => true,
    })
  }

  async login(email: string): Promise<void> {
    this.#account = await this.#limpet.login({ email, password: this.#password })
    await this.reopen()
  }

  get vault(): OpenVault {
    if (!this.#vault) throw new Error('The device is not logged in')
    return this.#vault
  }

  /** The program starts anew with what was stored last. */
  async restart(stored: ReplicaState): Promise<void> {
    this.network.end()
    this.#account = await this.#limpet.unlock(this.#password)
    this.replica = new Replica(stored)
    await this.reopen()
  }

  /** Opens the vault as the server has it now. */
  async reopen(): Promise<void> {
    const vaults = await this.#account?.vaults()
    this.#vault = vaults?.find(({ id }) => id === this.#vaultId)
    await this.pull()
  }

  async pull(): Promise<void> {
    const { refused } = await this.replica.pull(this.vault)
    expect(refused).toEqual([])
  }

  rotate(options: Omit<RotationOptions, 'password' | 'replica'>) {
    if (!this.#account) throw new Error('The device is not logged in')
    return this.#account.rotateVaultKey(this.#vaultId, {
      ...options,
      password: this.#password,
      replica: this.replica,
    })
  }
}

export interface Real {
  readonly writers: readonly [Device, Device]
  readonly reader: Device
  /** The vault's keys of all versions that a device ever had. */
  readonly keys: Map<number, Uint8Array>
  /** How many changes of the key were finished, and how many broke off. */
  readonly tally: { finished: number; brokeOff: number }
}

type Who = 0 | 1
type Command = fc.AsyncCommand<Model, Real>

const note = (name: string) => ({ kind: 'note' as const, name })

/** A device shows exactly the model, and can open all of it. */
export async function expectSame(model: Readonly<Model>, device: Device): Promise<void> {
  await device.pull()
  const items = [...device.replica.items.values()]
  const opened = await Promise.all(items.map((item) => device.vault.openItem(item)))
  const shown = opened.map(({ id, content, deletedAt }) => [id, content.name, deletedAt !== null])
  const expected = [...model.items].map(([id, { name, trashed }]) => [id, name, trashed])
  expect(shown.sort()).toEqual(expected.sort())
  device.known = new Map([...model.items].map(([id, { writes }]) => [id, writes]))
}

/** Keeps the keys that the devices have, for trying them on what the server has in the end. */
export const noteKeys = ({ writers, reader, keys }: Real) => {
  for (const { vault } of [...writers, reader])
    for (let version = 1; version <= vault.keys.newest; version++) {
      try {
        keys.set(version, vault.keys.bytesOf(version))
      } catch {
        // A key from before this program began.
      }
    }
}

type Change = 'edit' | 'trash' | 'restore' | 'purge'

/** One write of a client, which may know an older state than there is. */
interface Write {
  readonly who: Who
  readonly id: string
  readonly change: Change
  readonly name: string
}

async function send({ vault, replica }: Device, { id, change, name }: Write): Promise<void> {
  const revision = replica.items.get(id)?.revision
  if (change === 'edit' && revision === undefined) await vault.create(note(name), id)
  else if (revision === undefined) return
  else if (change === 'edit') await vault.replace(id, revision, note(name))
  else if (change === 'trash') await vault.trash(id, revision)
  else if (change === 'restore') await vault.restore(id, revision)
  else await vault.purge(id, revision)
}

function apply(model: Model, { id, change, name }: Write): void {
  const item = model.items.get(id)
  if (change === 'purge') model.items.delete(id)
  else if (!item) {
    if (change === 'edit') model.items.set(id, { name, trashed: false, writes: 1, replaced: [] })
  } else if (change === 'edit') {
    item.replaced.unshift(item.name)
    Object.assign(item, { name, writes: item.writes + 1 })
  } else Object.assign(item, { trashed: change === 'trash', writes: item.writes + 1 })
}

async function write(model: Model, { writers }: Real, wanted: Write): Promise<void> {
  const device = writers[wanted.who]
  const isKnown = device.replica.items.has(wanted.id)
  if (!isKnown && wanted.change !== 'edit') return
  try {
    await send(device, wanted)
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    // Only somebody's write is a conflict, and never that the item lies under another key now.
    const item = model.items.get(wanted.id)
    if (isKnown && item) expect(device.known.get(wanted.id)).not.toBe(item.writes)
    await expectSame(model, device)
    return
  }
  apply(model, wanted)
  await expectSame(model, device)
}

class WriteItem implements Command {
  readonly #write: Write

  constructor(wanted: Write) {
    this.#write = wanted
  }

  check = () => true

  async run(model: Model, real: Real) {
    await write(model, real, this.#write)
    await expectSame(model, real.reader)
    noteKeys(real)
  }

  toString = () => {
    const { who, change, id, name } = this.#write
    return `client ${who} does ${change} to ${id.slice(-1)} ("${name}")`
  }
}

class Rename implements Command {
  readonly #who: Who

  constructor(who: Who) {
    this.#who = who
  }

  check = () => true

  async run(_model: Model, { writers }: Real) {
    const { vault } = writers[this.#who]
    await vault.refresh()
    await vault.rename(`by ${this.#who}`)
    expect(vault.name).toBe(`by ${this.#who}`)
  }

  toString = () => `client ${this.#who} renames the vault`
}

interface KeyChange {
  readonly who: Who
  readonly versions: 'keep' | 'drop'
  readonly fault: Fault | undefined
  /** Another client writes before the request with this number. */
  readonly meanwhile: { readonly at: number; readonly write: Omit<Write, 'who'> }
  /** The other client goes on with the change before the request with this number, and finishes it. */
  readonly alsoAt: number | undefined
}

class RotateKey implements Command {
  readonly #plan: KeyChange

  constructor(plan: KeyChange) {
    this.#plan = plan
  }

  check = () => true

  async run(model: Model, real: Real) {
    const { who, versions, fault, meanwhile, alsoAt } = this.#plan
    const [device, other] = [real.writers[who], real.writers[who === 0 ? 1 : 0]]
    if (versions === 'drop') model.mayDrop = true
    const stored = device.replica.export()
    device.network.begin(fault, async (count) => {
      if (count === meanwhile.at) await write(model, real, { ...meanwhile.write, who: who === 0 ? 1 : 0 })
      if (count === alsoAt) {
        await other.rotate({ versions })
        await expectSame(model, other)
      }
      await expectSame(model, real.reader)
      noteKeys(real)
    })
    try {
      await device.rotate({ versions })
      real.tally.finished++
    } catch (error) {
      if (!(error instanceof Killed)) throw error
      real.tally.brokeOff++
      await device.restart(stored)
    } finally {
      device.network.end()
    }
    noteKeys(real)
    for (const one of [device, other, real.reader]) await expectSame(model, one)
  }

  toString = () => {
    const { who, versions, fault, meanwhile, alsoAt } = this.#plan
    const faulty = fault ? `, ${fault.kind} ${fault.at}` : ''
    const also = alsoAt === undefined ? '' : `, the other one too at ${alsoAt}`
    return `client ${who} changes the key (${versions}${faulty}; ${meanwhile.write.change} of ${meanwhile.write.id.slice(-1)} at ${meanwhile.at}${also})`
  }
}

/** Few ids, so that the clients meet each other. */
const ids = [1, 2, 3, 4].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`)

const who = fc.constantFrom<Who>(0, 1)
const oneWrite = fc.record({
  id: fc.constantFrom(...ids),
  change: fc.constantFrom<Change>('edit', 'edit', 'edit', 'trash', 'restore', 'purge'),
  name: fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }),
})
/** A change of a small vault takes about so many requests. */
const at = fc.integer({ min: 1, max: 20 })
const fault = fc.record({
  at,
  kind: fc.constantFrom<FaultKind>('killed before', 'killed after', 'killed after', 'answer lost'),
})

const writes = fc.tuple(who, oneWrite).map(([one, wanted]) => new WriteItem({ ...wanted, who: one }))
const changes = fc
  .record({
    who,
    versions: fc.constantFrom('keep' as const, 'keep' as const, 'drop' as const),
    fault: fc.option(fault, { nil: undefined }),
    meanwhile: fc.record({ at, write: oneWrite }),
    alsoAt: fc.option(at, { nil: undefined, freq: 4 }),
  })
  .map((plan) => new RotateKey(plan))

export const commands = fc.commands<Model, Real, false>(
  [writes, writes, writes, writes, who.map((one) => new Rename(one)), changes, changes],
  { maxCommands: 12, size: '+1' },
)
