// The page that the link of a confirmation mail opens. It waits for a click: scanners of mail follow links.
import type { Express } from 'express'
import { sendShell } from '../pages/shell.ts'

export function addEmailPages(app: Express): void {
  app.get('/confirm', (req, res) => {
    res.locals.route = '/confirm'
    return sendShell(req, res, { script: 'confirm.js' })
  })
}
