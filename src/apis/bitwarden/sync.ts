// Everything of an account in one answer: what clients load after each change that they did not make themselves.
import { z } from 'zod'
import { bitwardenItemPaths } from '../../contract/bitwarden-paths.ts'
import { listFolders } from '../../domain/ciphers/folders.ts'
import { allCiphers } from '../../domain/ciphers/read.ts'
import { getBitwardenAccount } from '../../domain/identity/bitwarden-accounts.ts'
import { hasFactors } from '../../domain/identity/second-factors.ts'
import { profileOf, userDecryptionOf } from './account-shapes.ts'
import { answerWithCiphers, CiphersAnswer, lastTypeFor } from './cipher-answers.ts'
import { listAnswer } from './ciphers.ts'
import { domainsOf } from './domains.ts'
import { folderAnswer, foldersAnswer } from './folders.ts'
import { route } from './route.ts'
import { sendAnswers } from './send-shapes.ts'

const sync = route({
  method: 'get',
  path: bitwardenItemPaths.sync,
  auth: 'account',
  limit: 'read',
  answerBytes: listAnswer + foldersAnswer,
  request: { query: z.looseObject({ excludeDomains: z.string().optional() }) },
  success: { 200: CiphersAnswer },
  async handler({ caller, query: { excludeDomains } }, services) {
    const { accountId, client } = caller
    const { account, folders, sends, twoFactorEnabled } = await services.store.read(async (reader) => ({
      account: await getBitwardenAccount(reader, caller),
      folders: await listFolders(reader, caller),
      sends: await sendAnswers(reader, accountId),
      twoFactorEnabled: await hasFactors(reader, caller),
    }))
    const members = {
      object: 'sync',
      profile: profileOf(account, { twoFactorEnabled }),
      folders: folders.map(folderAnswer),
      collections: [],
      policies: [],
      sends,
      domains: excludeDomains?.toLowerCase() === 'true' ? null : domainsOf(account.own, { all: false }),
      userDecryption: userDecryptionOf(account),
    }
    const { securityStamp } = account.own
    const pages = allCiphers(services, { accountId, lastType: lastTypeFor(client) }, securityStamp)
    return { status: 200, body: answerWithCiphers(members, pages, services) }
  },
})

export const syncRoutes = [sync]
