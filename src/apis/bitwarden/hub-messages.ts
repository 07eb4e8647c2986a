// What hubs tell of a change: the numbers and names are those of Bitwarden's apps.
import type { BitwardenChange } from '../../domain/live/announcements.ts'
import { invocation } from './signalr.ts'

/** The types of messages. */
const types = {
  'item-changed': 0,
  'item-made': 1,
  'item-deleted': 2,
  'folder-deleted': 3,
  vault: 5,
  'folder-made': 7,
  'folder-changed': 8,
  settings: 10,
  'log-out': 11,
  'send-made': 12,
  'send-changed': 13,
  'send-deleted': 14,
  'login-asked': 15,
  'login-answered': 16,
} as const satisfies Record<BitwardenChange['what'], number>

const reasons = { 'kdf-changed': 0, 'key-rotated': 1 } as const

/** What the hub of an account is told of one change. */
type Told = Pick<BitwardenChange, 'accountId' | 'what' | 'id' | 'at' | 'by' | 'reason'>

function payloadOf({ accountId, what, id = '', at, reason }: Told) {
  const date = new Date(at)
  switch (what) {
    case 'item-changed':
    case 'item-made':
    case 'item-deleted':
      return { Id: id, UserId: accountId, OrganizationId: null, CollectionIds: null, RevisionDate: date }
    case 'folder-changed':
    case 'folder-made':
    case 'folder-deleted':
    case 'send-changed':
    case 'send-made':
    case 'send-deleted':
      return { Id: id, UserId: accountId, RevisionDate: date }
    case 'vault':
    case 'settings':
      return { UserId: accountId, Date: date }
    case 'log-out':
      return { UserId: accountId, Date: date, ...(reason && { Reason: reasons[reason] }) }
    case 'login-asked':
    case 'login-answered':
      return { Id: id, UserId: accountId }
  }
}

/** The message about a change, for the hub of its account. Clients pass over what the device `by` is itself. */
export const changeMessage = (change: Told): Uint8Array =>
  invocation('ReceiveMessage', {
    ContextId: change.by,
    Type: types[change.what],
    Payload: payloadOf(change),
  })

/** The message to a device that waits for the answer to its request. The name of the function is spelled so. */
export const answerMessage = (id: string, accountId: string): Uint8Array =>
  invocation('AuthRequestResponseRecieved', {
    Type: types['login-answered'],
    Payload: { Id: id, UserId: accountId },
    UserId: accountId,
  })
