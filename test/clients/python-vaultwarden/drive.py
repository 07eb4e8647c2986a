# drive.py URL EMAIL, with PASSWORD, CLIENT_ID and CLIENT_SECRET in the environment: logs in with the API key and opens the vault, which has
# one item, "mail", of the user "ada".
import os
import sys
import uuid

from vaultwarden.clients.bitwarden import BitwardenAPIClient
from vaultwarden.utils.crypto import decrypt

url, email = sys.argv[1:]
client = BitwardenAPIClient(
    url,
    email,
    os.environ["PASSWORD"],
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    uuid.uuid4(),
)
vault = client.sync()
assert vault.Profile.Email == email
assert len(vault.Ciphers) == 1, vault.Ciphers
key = client.connect_token.user_key


def opened(text):
    plain = decrypt(text, key)
    return plain.decode() if isinstance(plain, bytes) else plain


(item,) = client.api_request("GET", "api/ciphers").json()["data"]
assert opened(item["name"]) == "mail"
assert opened(item["login"]["username"]) == "ada"
