// The pages that the links of mails open. They wait for a click: scanners of mail follow links.

import type { Express } from 'express'
import { pagePaths } from '../../contract/paths.ts'
import { addPage } from '../../http/page-route.ts'
import { sendShell } from './shell.ts'

export function addEmailPages(app: Express): void {
  for (const name of [pagePaths.confirm, pagePaths.deleteAccount, pagePaths.keepAccount])
    addPage(app, { name }, (req, res) => sendShell(req, res, { script: 'confirm.js' }))
}
