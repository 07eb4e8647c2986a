// The measure of everything else: Express alone, answering one JSON that is already in memory. Plain JavaScript, so that its start is
// not that of Node's TypeScript too.
import express from 'express'

const [port = '', json = ''] = process.argv.slice(2)
const answer = JSON.parse(json)
const app = express()
app.get('/', (_req, res) => {
  res.json(answer)
})
app.listen(Number(port), '127.0.0.1')
