"""Registers, logs in, writes an item, reads it and syncs, with the client that openapi-generator made (limpet_client)."""

import base64
import os
import sys
import uuid

from limpet_client import AccountsApi, ApiClient, Configuration, ItemsApi, SessionsApi, VaultsApi
from limpet_client.models import (
    Device,
    FirstVault,
    Item,
    KdfParameters,
    Login,
    LoginByAuthKey,
    Register,
    RegisterByAuthKey,
    ReplaceItem,
)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sealed() -> str:
    """The form of an envelope. A real client seals its data (docs/protocol.md, "Envelope")."""
    return base64url(b"\x01" + os.urandom(116))


server = sys.argv[1]
anybody = ApiClient(Configuration(host=server))
email = f"{uuid.uuid4()}@example.com"
# A real client derives it from the password (docs/protocol.md, "Keys").
auth_key = base64url(os.urandom(32))
vault_id = str(uuid.uuid4())
item_id = str(uuid.uuid4())

salt = base64url(os.urandom(16))
registration = RegisterByAuthKey(
    account_id=str(uuid.uuid4()),
    email=email,
    kdf=KdfParameters(algorithm="argon2id", memory_ki_b=65536, iterations=3, parallelism=1, salt=salt),
    account_key=sealed(),
    vault=FirstVault(id=vault_id, key=sealed(), data=sealed()),
    auth_key=auth_key,
)
AccountsApi(anybody).register_account(Register(registration))

device = Device(id=str(uuid.uuid4()), name="A script", type="other")
session = SessionsApi(anybody).login(Login(LoginByAuthKey(email=email, device=device, auth_key=auth_key)))
owner = ApiClient(Configuration(host=server, access_token=session.access_token))

data = sealed()
put = ItemsApi(owner).put_item_with_http_info(vault_id, item_id, ReplaceItem(data=data), if_none_match="*")
assert put.status_code == 201, put.raw_data
assert put.headers["ETag"] == f'"{put.data.revision}"'

item = ItemsApi(owner).get_item(vault_id, item_id)
assert item.data == data

changes = VaultsApi(owner).list_changes(vault_id)
assert [change.actual_instance for change in changes.items] == [item]
assert isinstance(item, Item) and not changes.more

print("registered, logged in, put, got and synced")
