// The page that the link of a confirmation mail opens. It waits for a click: scanners of mail follow links.
import type { Express } from 'express'
import { addPage } from '../../http/page-route.ts'
import { sendShell } from '../pages/shell.ts'

export function addEmailPages(app: Express): void {
  addPage(app, { name: '/confirm' }, (req, res) => sendShell(req, res, { script: 'confirm.js' }))
}
