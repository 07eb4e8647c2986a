// The model of a vault for property tests: a plain map, and commands that do the same to it and to a real server.
import fc from 'fast-check'
import { expect } from 'vitest'
import { ConflictError, type OpenItem, type OpenVault, type Replica } from '../../src/sdk/index.ts'

interface ModelItem {
  name: string
  trashed: boolean
  revision: number
  /** The names that were replaced, newest first. */
  replaced: string[]
}

/** What the server must hold. An item that was purged has left only its revision. */
export interface Model {
  revision: number
  items: Map<string, ModelItem>
  purged: Map<string, number>
}

export interface RealClient {
  vault: OpenVault
  replica: Replica
  /** The revisions that this client knows of, by item: from its writes and its pulls. */
  known: Map<string, number>
}

export interface Real {
  clients: readonly [RealClient, RealClient]
}

type Who = 0 | 1
type Command = fc.AsyncCommand<Model, Real>

const note = (name: string) => ({ kind: 'note' as const, name })

/** Runs a write that the model says must succeed, or must fail by showing exactly the model's state. */
async function attempt(
  model: Readonly<Model>,
  id: string,
  client: RealClient,
  fits: boolean,
  write: () => Promise<OpenItem | undefined>,
): Promise<void> {
  if (fits) {
    const item = await write()
    if (item) client.known.set(id, item.revision)
    else client.known.delete(id)
    return
  }
  const error: unknown = await write().then(
    () => 'it was written',
    (reason: unknown) => reason,
  )
  if (!(error instanceof ConflictError)) throw error instanceof Error ? error : new Error(String(error))
  const expected = model.items.get(id)
  expect(error.revision).toBe(expected?.revision ?? model.purged.get(id))
  expect(error.current?.content.name).toBe(expected?.name)
  client.known.set(id, error.revision)
}

class Create implements Command {
  readonly who: Who
  readonly id: string
  readonly name: string

  constructor(who: Who, id: string, name: string) {
    this.who = who
    this.id = id
    this.name = name
  }

  check = () => true

  async run(model: Model, { clients }: Real) {
    const client = clients[this.who]
    // What was deleted for good is not created again by accident.
    const fits = !model.items.has(this.id) && !model.purged.has(this.id)
    // What was deleted is compared with its deletion, which a client learns of by pulling.
    if (model.purged.has(this.id)) await client.replica.pull(client.vault)
    await attempt(model, this.id, client, fits, () => client.vault.create(note(this.name), this.id))
    if (!fits) return
    model.revision++
    model.items.set(this.id, { name: this.name, trashed: false, revision: model.revision, replaced: [] })
  }

  toString = () => `client ${this.who} creates ${this.id.slice(-1)} as "${this.name}"`
}

type Change = 'edit' | 'trash' | 'restore' | 'purge'

/** Whether a change does anything; a repeated one must not raise the revision. */
const hasEffect = (change: Change, item: ModelItem) =>
  change === 'trash' ? !item.trashed : change === 'restore' ? item.trashed : true

class ChangeItem implements Command {
  readonly who: Who
  readonly change: Change
  readonly id: string
  readonly name: string

  constructor(who: Who, change: Change, id: string, name: string) {
    this.who = who
    this.change = change
    this.id = id
    this.name = name
  }

  /** A client changes what it knows of; what it knows may be outdated. */
  check = (model: Readonly<Model>) => model.items.has(this.id)

  async run(model: Model, { clients }: Real) {
    const client = clients[this.who]
    const revision = client.known.get(this.id)
    const item = model.items.get(this.id)
    if (revision === undefined || !item) return
    const fits = item.revision === revision
    await attempt(model, this.id, client, fits, () => this.write(client.vault, revision))
    if (!fits || !hasEffect(this.change, item)) return
    model.revision++
    if (this.change === 'purge') {
      model.items.delete(this.id)
      model.purged.set(this.id, model.revision)
      return
    }
    if (this.change === 'edit') {
      item.replaced.unshift(item.name)
      item.name = this.name
    } else item.trashed = this.change === 'trash'
    item.revision = model.revision
  }

  private async write(vault: OpenVault, revision: number): Promise<OpenItem | undefined> {
    switch (this.change) {
      case 'edit':
        return vault.replace(this.id, revision, note(this.name))
      case 'trash':
        return vault.trash(this.id, revision)
      case 'restore':
        return vault.restore(this.id, revision)
      case 'purge':
        await vault.purge(this.id, revision)
        return undefined
    }
  }

  toString = () => `client ${this.who} does ${this.change} to ${this.id.slice(-1)} ("${this.name}")`
}

class Pull implements Command {
  readonly who: Who

  constructor(who: Who) {
    this.who = who
  }

  check = () => true

  async run(model: Model, { clients }: Real) {
    const client = clients[this.who]
    await client.replica.pull(client.vault)
    await expectSame(model, client)
    client.known = new Map([...client.replica.items].map(([id, { revision }]) => [id, revision]))
  }

  toString = () => `client ${this.who} pulls`
}

/** A replica that has pulled everything is exactly the model: no divergence. */
async function expectSame(model: Readonly<Model>, { vault, replica }: RealClient) {
  const opened = await Promise.all([...replica.items.values()].map((item) => vault.openItem(item)))
  const real = opened.map(({ id, revision, content, deletedAt }) => [
    id,
    revision,
    content.name,
    deletedAt !== null,
  ])
  const expected = [...model.items].map(([id, { revision, name, trashed }]) => [id, revision, name, trashed])
  expect(real.sort()).toEqual(expected.sort())
}

/** Both clients see the model, and every edit is there: as the present content or among the replaced ones. */
export async function expectNothingLost(model: Readonly<Model>, { clients }: Real) {
  for (const client of clients) {
    await client.replica.pull(client.vault)
    await expectSame(model, client)
  }
  const [{ vault }] = clients
  for (const [id, { replaced }] of model.items) {
    const versions = await vault.versions(id)
    expect(versions.map(({ content }) => content.name)).toEqual(replaced)
  }
}

/** Few ids, so that the clients meet each other. */
const ids = [1, 2, 3].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`)

const who = fc.constantFrom<Who>(0, 1)
const id = fc.constantFrom(...ids)
const name = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
const change = fc.constantFrom<Change>('edit', 'edit', 'trash', 'restore', 'purge')

export const commands = fc.commands<Model, Real, false>(
  [
    fc.tuple(who, id, name).map((parts) => new Create(...parts)),
    fc.tuple(who, change, id, name).map((parts) => new ChangeItem(...parts)),
    fc.tuple(who, change, id, name).map((parts) => new ChangeItem(...parts)),
    who.map((client) => new Pull(client)),
  ],
  { maxCommands: 20, size: '+1' },
)
