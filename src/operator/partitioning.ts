// The operator's command that cuts up the tables of a large Postgres database by vault.
import { readConfig } from '../server/config.ts'
import { partitionByVault } from '../store/partitions.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { print, printJson, remark } from '../terminal/output.ts'
import { withProgress } from '../terminal/progress.ts'
import { table } from '../terminal/table.ts'
import { command, json } from './command.ts'
import { nameOf, requireCurrent, withConnection } from './whole-database.ts'

export const partition = command({
  name: 'partition',
  operands: [],
  summary: 'cut up the tables of a large Postgres database by vault, into 64 partitions each',
  details:
    'For databases of tens of millions of items (docs/scaling.md). Stop the servers first. It takes as much room again as these tables have, and is complete or has changed nothing. Clients notice nothing, and every other command works as before. After an upgrade it cuts up the tables that are new, if it is run again. There is no way back but to restore a backup into an empty database that is not partitioned.',
  example: 'limpet-server partition',
  options: { json },
  async run(_surroundings, _operands, values) {
    const { database } = readConfig()
    if (database.engine !== 'postgres')
      throw new CliError(
        'usage',
        'Only a Postgres database has partitions. "limpet-server move" moves to one.',
      )
    const tables = await withConnection(database, async (connection) => {
      await connection.beginAlone()
      await requireCurrent(connection, database)
      const partitioned = await withProgress('Partitioning', (report) => partitionByVault(connection, report))
      await connection.run('commit')
      return partitioned
    })
    if (values.json) return printJson({ database: nameOf(database), tables })
    if (Object.keys(tables).length === 0)
      return remark(`${nameOf(database)} is partitioned already. Nothing was changed.`)
    print(
      ...table(
        ['TABLE', 'ROWS'],
        Object.entries(tables).map(([name, rows]) => [name, String(rows)]),
      ),
    )
    remark(`Partitioned ${nameOf(database)}. Start the servers.`)
  },
})
