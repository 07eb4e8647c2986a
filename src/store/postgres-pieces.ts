// Statements on one connection to Postgres. What is asked for in one turn of the event loop goes there in one piece, and one answer comes
// back: each piece is a call of the system on both sides, which takes longer than most statements.
import pg from 'pg'
import { storeError } from './postgres-errors.ts'
import { StoreError } from './store.ts'

/**
 * A statement that is asked for. It is prepared under its name, which no other one has, once for each connection; one whose name is empty
 * is prepared each time.
 */
export interface Asked {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

type Value = ReturnType<typeof pg.types.getTypeParser>

/** Whole numbers as numbers, which the driver returns as text: every one of ours is within ±2^53. */
export const wholeNumbers: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format),
}

interface Answer {
  readonly rows: Value[]
  /** What Postgres says that it has done. */
  command: string
}

interface Waiting extends Asked {
  readonly answer: Answer
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** What is known of the statements of a connection, by their names. */
interface Statements {
  /** Of those that are prepared: how their columns are read. */
  readonly prepared: Map<string, readonly Value[]>
  /** Those that were sent to be prepared. */
  readonly sent: Set<string>
}

const bytesIn = (value: Uint8Array) => Buffer.from(value.buffer, value.byteOffset, value.byteLength)

/** An element of an array, as Postgres reads it (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO). */
function elementOf(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  if (value instanceof Uint8Array) return `"\\\\x${bytesIn(value).toString('hex')}"`
  return `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`
}

/** A value as Postgres takes it: bytes as they are, everything else as text. */
function parameterOf(value: unknown): Buffer | string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return bytesIn(value)
  return Array.isArray(value) ? `{${value.map(elementOf).join(',')}}` : String(value)
}

/**
 * Statements behind which Postgres is asked once whether all went well ("Sync" of its protocol,
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING). If one fails, those behind it are not run.
 * Outside of a transaction, the piece is one by itself.
 */
class Piece extends pg.Query {
  /** In the order in which they run. */
  readonly statements: readonly Waiting[]
  readonly #known: Statements
  readonly #whole: Waiting | undefined
  /** Which of the statements is answered next. */
  #next = 0
  #parsers: readonly Value[] = []

  /** @param options.whole the commit that the end of the piece is, if it is a transaction by itself */
  constructor(
    statements: readonly Waiting[],
    { known, whole }: { known: Statements; whole: Waiting | undefined },
  ) {
    super('')
    this.statements = statements
    this.#known = known
    this.#whole = whole
    this.#expect()
  }

  override submit = (connection: pg.Connection): void => {
    const { stream } = connection
    stream.cork()
    const { prepared, sent } = this.#known
    const beingPrepared = new Set<string>()
    for (const { name, text, values } of this.statements) {
      const isNew = name === '' || !(prepared.has(name) || beingPrepared.has(name))
      if (isNew) {
        beingPrepared.add(name)
        // Whether it is there is not known, if what was sent with it failed or is not answered.
        if (name !== '' && sent.has(name)) connection.close({ type: 'S', name }, false)
        sent.add(name)
        connection.parse({ name, text, types: [] }, false)
      }
      connection.bind({ statement: name, values: values.map(parameterOf) }, false)
      if (isNew) connection.describe({ type: 'P' }, false)
      connection.execute(null, false)
    }
    connection.sync()
    stream.uncork()
  }

  #expect(): void {
    const name = this.statements[this.#next]?.name
    this.#parsers = (name !== undefined && this.#known.prepared.get(name)) || []
  }

  handleRowDescription({ fields }: { fields: readonly pg.FieldDef[] }): void {
    this.#parsers = fields.map(({ dataTypeID }) => wholeNumbers.getTypeParser(dataTypeID, 'text'))
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    this.statements[this.#next]?.answer.rows.push(
      fields.map((field, index) => (field === null ? null : this.#parsers[index](field))),
    )
  }

  handleCommandComplete({ text }: { text: string }): void {
    const statement = this.statements[this.#next]
    if (!statement) return
    if (statement.name !== '') this.#known.prepared.set(statement.name, this.#parsers)
    statement.answer.command = text.split(' ', 1)[0] ?? ''
    if (!this.#whole) statement.resolve(statement.answer)
    this.#next++
    this.#expect()
  }

  handleReadyForQuery(): void {
    if (!this.#whole) return
    for (const statement of this.statements) statement.resolve(statement.answer)
    this.#whole.resolve({ rows: [], command: 'COMMIT' })
  }

  handleError(thrown: unknown): void {
    const error = storeError(thrown, this.statements[this.#next]?.text ?? 'commit')
    // Those that are answered already pass over it.
    for (const statement of this.statements) statement.reject(error)
    this.#whole?.reject(error)
  }
}

/** A statement without values. */
export const plain = (text: string): Asked => ({ name: text, text, values: [] })

/** A statement that was asked for, and that nothing waits for yet. Until it is looked at, its failure is not an error that nobody takes. */
export function sent<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {})
  return answer
}

/** A prepared statement, as the builder gives it to the driver. */
const isNamed = (config: unknown): config is { name: string; text: string } =>
  typeof config === 'object' &&
  config !== null &&
  'name' in config &&
  typeof config.name === 'string' &&
  'text' in config &&
  typeof config.text === 'string'

/**
 * What the builder of queries takes for the driver.
 * @param options.ask gets the statements that are prepared
 * @param options.beforeOthers is waited for before each of the others
 */
export const asking = <Driver extends pg.Pool | pg.Client>(
  driver: Driver,
  { ask, beforeOthers }: { ask: Connection['ask']; beforeOthers?: () => Promise<void> },
): Driver =>
  new Proxy(driver, {
    get: (target, key) =>
      key === 'query'
        ? async (config: unknown, values: unknown[] = []) => {
            if (isNamed(config)) return ask({ name: config.name, text: config.text, values })
            await beforeOthers?.()
            return Reflect.apply(target.query, target, [config, values])
          }
        : Reflect.get(target, key),
  })

/** Why a statement has no answer that waited while its transaction was rolled back. */
export const notSent = new StoreError('a rollback', undefined, false)

/** A connection: what is asked for on it, and its transaction. */
export class Connection {
  /** Asks for what is prepared. Other statements are sent by themselves, behind those, once the transaction has begun. */
  readonly client: pg.Client
  readonly #client: pg.Client
  readonly #known: Statements = { prepared: new Map(), sent: new Set() }
  #waiting: Waiting[] = []
  /** Whether a transaction is to begin with what is sent next. */
  #isToBegin = false
  #begun: Promise<unknown> | undefined
  /** What is sent by the client itself, and not `ask`ed for, waits for this. */
  #lastTurn: Promise<void> | undefined

  constructor(client: pg.Client) {
    this.#client = client
    this.client = asking(client, {
      ask: this.ask.bind(this),
      beforeOthers: () => {
        this.#lastTurn = this.#turn()
        return this.#lastTurn
      },
    })
  }

  /** Asks for a statement. It is sent with what else is asked for in this turn of the event loop. */
  ask(asked: Asked): Promise<Answer> {
    // Behind what is done at once about the answers to the last piece.
    if (this.#waiting.length === 0) void Promise.resolve().then(() => process.nextTick(() => this.#send()))
    return this.#add(asked)
  }

  /** Begins a transaction with what is asked for next. */
  begin(): void {
    this.#isToBegin = true
    this.#begun = undefined
    this.#lastTurn = undefined
  }

  /** Commits, together with what waits to be sent. If that is all that the transaction does, it is sent as a transaction of one piece. */
  async commit(): Promise<void> {
    // What waits for the beginning is to be sent before the end.
    if (this.#lastTurn) await this.#lastTurn
    const answer = this.#add(plain('commit'))
    this.#send()
    const { command } = await answer
    // Postgres answers otherwise, and with no error, if a statement failed of whose failure nobody has taken notice.
    if (command !== 'COMMIT') throw new StoreError('a rollback', undefined, false)
  }

  /** Takes back what the transaction has done, and does not send what waits. */
  async rollBack(): Promise<void> {
    for (const { reject } of this.#waiting.splice(0)) reject(notSent)
    const isBegun = !this.#isToBegin
    this.#isToBegin = false
    if (!isBegun) return
    // It fails only where the connection is lost.
    await this.#lastTurn?.catch(() => {})
    const answer = this.#add(plain('rollback'))
    this.#send()
    await answer
  }

  #add(asked: Asked): Promise<Answer> {
    return sent(
      new Promise((resolve, reject) => {
        this.#waiting.push({ ...asked, answer: { rows: [], command: '' }, resolve, reject })
      }),
    )
  }

  /** Sends what waits. Resolves once the transaction has begun, if there is one. */
  async #turn(): Promise<void> {
    if (this.#isToBegin && this.#waiting.length === 0) {
      this.#isToBegin = false
      this.#begun = this.#add(plain('begin'))
    }
    this.#send()
    await this.#begun
  }

  #send(): void {
    const statements = this.#waiting.splice(0)
    if (statements.length === 0) return
    let whole: Waiting | undefined
    if (this.#isToBegin) {
      this.#isToBegin = false
      if (statements.at(-1)?.text === 'commit') whole = statements.pop()
      else {
        this.#begun = this.#add(plain('begin'))
        statements.unshift(...this.#waiting.splice(0))
      }
    }
    if (whole && statements.length === 0) whole.resolve({ rows: [], command: 'COMMIT' })
    else this.#client.query(new Piece(statements, { known: this.#known, whole }))
  }
}

const connections = new WeakMap<pg.Client, Connection>()

/** The one of a client, as long as it lives. */
export function connectionOf(client: pg.Client): Connection {
  const known = connections.get(client)
  if (known) return known
  const made = new Connection(client)
  connections.set(client, made)
  return made
}
