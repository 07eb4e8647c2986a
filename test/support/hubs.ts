// Hubs of Bitwarden's apps, listened at with the library that the apps use.
import { HttpTransportType, type HubConnection, HubConnectionBuilder, LogLevel } from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { z } from 'zod'

const Message = z.object({
  ContextId: z.string().nullish(),
  Type: z.int(),
  Payload: z.record(z.string(), z.unknown()),
  UserId: z.string().optional(),
})
type HubMessage = z.infer<typeof Message>

export interface HubListener {
  /** The next message; waits for it. */
  next(): Promise<HubMessage>
  /** What came and was not read yet. */
  waiting(): readonly HubMessage[]
  /** Resolves when the connection is over, with what the library says of it. */
  readonly closed: Promise<Error | undefined>
  close(): Promise<void>
}

/**
 * Connects as the apps do: without negotiation, by WebSocket. Rejects if the server refuses.
 * @param options.token in the header, as outside of browsers
 */
export async function listenAt(
  url: string,
  { token, target = 'ReceiveMessage' }: { token?: string; target?: string } = {},
): Promise<HubListener> {
  const connection: HubConnection = new HubConnectionBuilder()
    .withUrl(url, {
      skipNegotiation: true,
      transport: HttpTransportType.WebSockets,
      ...(token !== undefined && { accessTokenFactory: () => token }),
    })
    .withHubProtocol(new MessagePackHubProtocol())
    .configureLogging(LogLevel.None)
    .build()
  const messages: HubMessage[] = []
  const readers: ((message: HubMessage) => void)[] = []
  connection.on(target, (given: unknown) => {
    const message = Message.parse(given)
    const reader = readers.shift()
    if (reader) reader(message)
    else messages.push(message)
  })
  const closed = new Promise<Error | undefined>((resolve) => connection.onclose(resolve))
  await connection.start()
  return {
    next: () =>
      new Promise((resolve) => {
        const message = messages.shift()
        if (message) resolve(message)
        else readers.push(resolve)
      }),
    waiting: () => messages,
    closed,
    close: () => connection.stop(),
  }
}
