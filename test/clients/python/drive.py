"""Registers, logs in, writes an item, reads it and syncs, with the client that openapi-python-client made (limpet_client)."""

import base64
import os
import sys
import uuid

from limpet_client import AuthenticatedClient, Client
from limpet_client.api.accounts import register_account
from limpet_client.api.items import get_item, put_item
from limpet_client.api.sessions import login
from limpet_client.api.vaults import list_changes
from limpet_client.models import (
    Device,
    DeviceType,
    FirstVault,
    Item,
    KdfParameters,
    LoginByAuthKey,
    RegisterByAuthKey,
    ReplaceItem,
)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sealed() -> str:
    """The form of an envelope. A real client seals its data (docs/protocol.md, "Envelope")."""
    return base64url(b"\x01" + os.urandom(116))


server = sys.argv[1]
anybody = Client(server, raise_on_unexpected_status=True)
email = f"{uuid.uuid4()}@example.com"
# A real client derives it from the password (docs/protocol.md, "Keys").
auth_key = base64url(os.urandom(32))
vault_id = str(uuid.uuid4())
item_id = str(uuid.uuid4())

kdf = KdfParameters("argon2id", 65536, 3, 1, base64url(os.urandom(16)))
vault = FirstVault(vault_id, sealed(), sealed())
registered = register_account.sync_detailed(
    client=anybody,
    body=RegisterByAuthKey(str(uuid.uuid4()), email, kdf, sealed(), vault, auth_key),
)
assert registered.status_code == 201, registered.content

device = Device(str(uuid.uuid4()), "A script", DeviceType.OTHER)
session = login.sync_detailed(client=anybody, body=LoginByAuthKey(email, device, auth_key))
assert session.status_code == 200, session.content
owner = AuthenticatedClient(server, session.parsed.access_token, raise_on_unexpected_status=True)

data = sealed()
put = put_item.sync_detailed(vault_id, item_id, client=owner, body=ReplaceItem(data), if_none_match="*")
assert put.status_code == 201, put.content
assert put.headers["ETag"] == f'"{put.parsed.revision}"'

item = get_item.sync(vault_id, item_id, client=owner)
assert isinstance(item, Item) and item.data == data

changes = list_changes.sync(vault_id, client=owner)
assert [change.id for change in changes.items] == [item_id]
assert isinstance(changes.items[0], Item) and not changes.more

print("registered, logged in, put, got and synced")
