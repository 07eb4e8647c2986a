// Passes connections on to one mail server, MAIL_HOST at MAIL_PORT, and to nothing else. The bytes are TLS between a server of
// Limpet and the mail server: the relay reads and stores none of them.
import { connect, createServer } from 'node:net'

/** How many connections at a time, and how long one may be idle. Both are more than Limpet's servers need. */
const [maxConnections, maxIdleMs] = [64, 300_000]

const { MAIL_HOST: host = '', MAIL_PORT = '' } = process.env
const port = Number(MAIL_PORT)
if (!/^[\w.-]+$/.test(host) || !/^\d{1,5}$/.test(MAIL_PORT) || port < 1 || port > 65_535) {
  console.error('Expected MAIL_HOST and MAIL_PORT to be the name and the port of the mail server in SMTP_URL')
  process.exit(78)
}

const relay = createServer((client) => {
  // The name is looked up for each connection, because mail servers move.
  const server = connect(port, host)
  const ends = [client, server]
  for (const end of ends) {
    end.setTimeout(maxIdleMs, () => end.destroy())
    end.on('error', () => {})
    end.on('close', () => {
      for (const other of ends) other.destroySoon()
    })
  }
  client.pipe(server)
  server.pipe(client)
})
relay.maxConnections = maxConnections
relay.listen(port, '0.0.0.0')
// For the health check of the container. It does not ask the mail server.
createServer((asked) => asked.on('error', () => {}).end()).listen(8081, '127.0.0.1')
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0))
