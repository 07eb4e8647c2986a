// Editing the credentials in the operator's own editor, without losing an edit that cannot be taken yet.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCredentials } from './credentials.ts'
import { CredentialsError } from './master-key.ts'
import { withPrivateFolder } from './private-folder.ts'

/** Marks what Limpet says to the operator in the editor; it is taken out again. */
const notePrefix = '#! '

const withNote = (note: string, text: string) =>
  note
    .split('\n')
    .map((line) => `${notePrefix}${line}\n`)
    .join('') + text

const withoutNotes = (text: string) =>
  text
    .split('\n')
    .filter((line) => !line.startsWith(notePrefix.trim()))
    .join('\n')

/** Runs the editor on a file. Its name may come with arguments, as in `code --wait`, so a shell takes it apart, as git does it. */
const runEditor = (editor: string, file: string) =>
  new Promise<void>((resolve, reject) => {
    // Ctrl-C is for the editor.
    const ignore = () => {}
    process.on('SIGINT', ignore)
    const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
    const done = (error?: Error) => {
      process.off('SIGINT', ignore)
      if (error) reject(error)
      else resolve()
    }
    child.once('error', () =>
      done(new CredentialsError(`The editor "${editor}" cannot be started. Set EDITOR.`)),
    )
    child.once('close', (code) =>
      done(
        code === 0
          ? undefined
          : new CredentialsError(`The editor "${editor}" ended with an error. Nothing was changed.`),
      ),
    )
  })

/**
 * Has a text edited until it can be taken. An edit that is not valid is offered again with a note on top; leaving it as it is
 * gives it up.
 * @param take stores the edited text, or says why it cannot be now
 * @returns whether anything was changed
 */
export const editText = (
  editor: string,
  text: string,
  take: (edited: string) => Promise<{ note: string } | undefined>,
): Promise<boolean> =>
  withPrivateFolder(async (folder) => {
    const file = join(folder, 'credentials.yml')
    const edit = async (offered: string): Promise<string> => {
      writeFileSync(file, offered, { mode: 0o600 })
      await runEditor(editor, file)
      return readFileSync(file, 'utf8')
    }
    let offered = text
    for (;;) {
      const saved = await edit(offered)
      if (saved === offered) {
        if (offered === text) return false
        throw new CredentialsError('The edit was given up. Nothing was changed.')
      }
      const edited = withoutNotes(saved)
      const refusal = await refusalOf(edited, take)
      if (!refusal) return true
      offered = withNote(refusal, edited)
    }
  })

async function refusalOf(
  edited: string,
  take: (edited: string) => Promise<{ note: string } | undefined>,
): Promise<string | undefined> {
  try {
    parseCredentials(edited)
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error
    return `${error.message} Mend it and save; leave it as it is to give the edit up.`
  }
  return (await take(edited))?.note
}
