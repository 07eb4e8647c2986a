# Writes the vectors beside it: pip install argon2-cffi cryptography && python3 test/vectors/generate.py
"""Vectors of client protocol version 1 (docs/protocol.md).

An implementation of its own, so that the vectors check the TypeScript client instead of repeating it. Everything is
deterministic: where the protocol wants randomness, bytes are made from a label. Byte strings are hexadecimal unless a
name or a description says otherwise.
"""

import base64
import hashlib
import hmac
import json
import struct
import unicodedata
import uuid
from pathlib import Path

from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import opaque

assert ARGON2_VERSION == 0x13

LEAST = {"memoryKiB": 19456, "iterations": 2, "parallelism": 1}
DEFAULT = {"memoryKiB": 65536, "iterations": 3, "parallelism": 1}
MOST = {"memoryKiB": 1048576, "iterations": 16, "parallelism": 8}

ACCOUNT = "3f0c8a52-5a1e-4d0b-9b1f-6f4f2f8f7a01"
OTHER_ACCOUNT = "3f0c8a52-5a1e-4d0b-9b1f-6f4f2f8f7a02"
VAULT = "8d5b1c9e-0c64-4b2e-8f3d-1a2b3c4d5e01"
OTHER_VAULT = "8d5b1c9e-0c64-4b2e-8f3d-1a2b3c4d5e02"
ITEM = "c4a7e2d0-7b3f-4e19-a6c8-9d8e7f6a5b01"
OTHER_ITEM = "c4a7e2d0-7b3f-4e19-a6c8-9d8e7f6a5b02"


# The protocol.


def bytes_for(label: str, count: int = 32) -> bytes:
    return hashlib.shake_256(f"limpet vectors: {label}".encode()).digest(count)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


def kdf_with(label: str, **costs) -> dict:
    return {"algorithm": "argon2id", **LEAST, **costs, "salt": base64url(bytes_for(f"kdf salt {label}", 16))}


def nfkc(password: str) -> str:
    # U+1E030 came with Unicode 15; an older Python would leave it as it is.
    return unicodedata.normalize("NFKC", password.replace("\U0001e030", "\u0430"))


def derive_keys(password: str, kdf: dict) -> dict:
    secret = nfkc(password).encode("utf-8")
    master_key = hash_secret_raw(
        secret=secret,
        salt=base64.urlsafe_b64decode(kdf["salt"] + "=="),
        time_cost=kdf["iterations"],
        memory_cost=kdf["memoryKiB"],
        parallelism=kdf["parallelism"],
        hash_len=32,
        type=Type.ID,
        version=0x13,
    )
    return {
        "secret": secret,
        "masterKey": master_key,
        "authKey": hkdf(master_key, b"", b"limpet/v1/auth", 32),
        "wrapKey": hkdf(master_key, b"", b"limpet/v1/wrap", 32),
    }


def padme(length: int) -> int:
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    kept_bits = exponent.bit_length()
    mask = (1 << (exponent - kept_bits)) - 1
    return (length + mask) & ~mask


def pad(plaintext: bytes) -> bytes:
    marked = plaintext + b"\x80"
    return marked.ljust(padme(len(marked)), b"\0")


def encode_context(context: list) -> bytes:
    parts = [part.encode("utf-8") for part in context]
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def account_key_context(account: str, kdf: dict) -> list:
    costs = [str(kdf[name]) for name in ("memoryKiB", "iterations", "parallelism")]
    return ["account-key", account, "argon2id", *costs, kdf["salt"]]


def seal_padded(key, salt, context, padded, *, info=b"limpet/v1/envelope", nonce=bytes(12), aad=None):
    derived = hkdf(key, salt, info, 64)
    aad = encode_context(context) if aad is None else aad
    body = AESGCM(derived[:32]).encrypt(nonce, padded, aad)
    return b"\x01" + salt + derived[32:] + body


def seal(key: bytes, salt: bytes, context: list, plaintext: bytes) -> bytes:
    return seal_padded(key, salt, context, pad(plaintext))


def envelope(name: str, key: bytes, context: list, plaintext: bytes) -> dict:
    salt = bytes_for(f"envelope salt {name}")
    derived = hkdf(key, salt, b"limpet/v1/envelope", 64)
    return {
        "name": name,
        "key": key.hex(),
        "salt": salt.hex(),
        "context": context,
        "encodedContext": encode_context(context).hex(),
        "plaintext": plaintext.hex(),
        "padded": pad(plaintext).hex(),
        "encryptionKey": derived[:32].hex(),
        "commitment": derived[32:].hex(),
        "sealed": base64url(seal(key, salt, context, plaintext)),
    }


# Each file.


def key_derivation() -> dict:
    def accepted(name: str, password: str, kdf: dict) -> dict:
        keys = {part: value.hex() for part, value in derive_keys(password, kdf).items()}
        sent = base64url(bytes.fromhex(keys["authKey"]))
        return {"name": name, "password": password, "kdf": kdf, **keys, "authKeyAsSent": sent}

    def refused(why: str, **changes) -> dict:
        return {"why": why, "password": "correct horse", "kdf": {**kdf_with("refused"), **changes}}

    out_of_bounds = []
    for name in ("memoryKiB", "iterations", "parallelism"):
        out_of_bounds += [
            refused(f"{name} is below the least", **{name: LEAST[name] - 1}),
            refused(f"{name} is above the most", **{name: MOST[name] + 1}),
            refused(f"{name} is zero", **{name: 0}),
            refused(f"{name} is negative", **{name: -1}),
            refused(f"{name} is not whole", **{name: LEAST[name] + 0.5}),
            refused(f"{name} would wrap to an acceptable number in 32 bits", **{name: 2**32 + LEAST[name]}),
        ]

    def salt(why: str, text: str) -> dict:
        return refused(f"the salt {why}", salt=text)

    def choice(code: str, why: str, password: str) -> dict:
        return {"why": why, "code": code, "password": password}

    sixteen = base64url(bytes_for("kdf salt refused", 16))
    long_password = "The limpet clamps onto its rock and will not be pried open. " * 5
    return {
        "description": (
            "Section 'Keys'. secret: the password after NFKC, as UTF-8. authKeyAsSent: authKey in base64url. Refused: "
            "the parameters, before anything is derived. refusedPasswords: UTF-16 code units, since the last ones are "
            "no Unicode text. refusedChoices: passwords that are refused when they are chosen, and taken as they are at login."
        ),
        "accepted": [
            accepted("the least parameters", "correct horse battery staple", kdf_with("least")),
            accepted("the default parameters", "correct horse battery staple", kdf_with("default", **DEFAULT)),
            accepted("four lanes", "correct horse battery staple", kdf_with("lanes", parallelism=4)),
            accepted(
                "a password that NFKC changes",
                "\ufb01ve A\u030angstro\u0308ms \u2460 \u212b \uff21\uff22",
                kdf_with("nfkc"),
            ),
            accepted(
                "the same password in its NFKC form gives the same keys",
                "five \u00c5ngstr\u00f6ms 1 \u00c5 AB",
                kdf_with("nfkc"),
            ),
            accepted("a character of Unicode 15.0 that NFKC changes", "lighthouse \U0001e030", kdf_with("nfkc")),
            accepted("outside of the basic plane", "\U0001f40c \u6d77\u8782", kdf_with("plane")),
            accepted("white space and control characters stay", "  pass\tword\n", kdf_with("white space")),
            accepted("300 characters", long_password, kdf_with("long")),
            accepted("300 characters, of which the last differs", long_password[:-1] + "!", kdf_with("long")),
        ],
        "refused": [
            *out_of_bounds,
            salt("is empty", ""),
            salt("has 15 bytes", base64url(bytes_for("short", 15))),
            salt("has 17 bytes", base64url(bytes_for("long", 17))),
            salt("is padded", sixteen + "=="),
            salt("has trailing bits", sixteen[:-1] + "B"),
            salt("has white space", sixteen + "\n"),
            refused("the algorithm is argon2i", algorithm="argon2i"),
            refused("the algorithm is argon2d", algorithm="argon2d"),
            refused("the algorithm is none", algorithm=""),
            refused("the algorithm is in capitals", algorithm="Argon2id"),
        ],
        "refusedPasswords": [
            {"why": "empty", "utf16": []},
            {"why": "a high surrogate at the end", "utf16": ["0061", "d800"]},
            {"why": "a low surrogate alone", "utf16": ["0061", "dc00", "0062"]},
            {"why": "surrogates the wrong way round", "utf16": ["dc00", "d800"]},
        ],
        "refusedChoices": [
            choice("unassigned", "unassigned in every version of Unicode up to 17.0", "lighthouse \u0378"),
            choice("unassigned", "an unassigned code point beyond the basic plane", "lighthouse \U000e0080"),
            choice("unassigned", "a noncharacter", "lighthouse \ufdd0"),
            choice("unassigned", "the last code point, a noncharacter", "lighthouse \U0010ffff"),
            choice("too-short", "seven code points", "l1ght\U0001f40c\u1234"),
            choice("too-short", "eight code points that NFKC makes seven", "l1ghtA\u030a\u1234"),
        ],
    }


def contexts() -> dict:
    kdf = kdf_with("default", **DEFAULT)
    return {
        "account-key": account_key_context(ACCOUNT, kdf),
        "vault-key": ["vault-key", ACCOUNT, VAULT],
        "vault-data": ["vault-data", VAULT],
        "item": ["item", VAULT, ITEM],
        "unlock": ["unlock", ACCOUNT],
        "purge": ["purge", VAULT, ITEM],
    }


def envelopes() -> dict:
    of_role = contexts()
    key = bytes_for("envelope key")
    inner = bytes_for("inner key")
    item = ["item", VAULT, ITEM]
    accepted = [
        envelope("an account key", key, of_role["account-key"], inner),
        envelope("a vault key", key, of_role["vault-key"], inner),
        envelope("vault data", key, of_role["vault-data"], b'{"name":"Personal"}'),
        envelope("an item", key, item, b'{"kind":"note","name":"Shells","notes":"Patella vulgata"}'),
        envelope("an account key on the client's own disk", key, of_role["unlock"], inner),
        envelope("nothing", key, item, b""),
        envelope("one zero byte", key, item, b"\0"),
        envelope("a plaintext that ends like padding", key, item, b"limpet\x80\0\0"),
        envelope("one kilobyte", key, item, bytes_for("one kilobyte", 1024)),
        envelope("a context outside of ASCII", key, ["item", "\u00e9", "\U0001f40c"], b"limpet"),
        envelope("a context with an empty part", key, ["item", "", VAULT], b"limpet"),
        envelope("a key of zeros", bytes(32), item, b"limpet"),
    ]
    return {
        "description": (
            "Section 'Envelope'. context: its parts; padded: what AES-GCM encrypts; sealed: base64url. All of the "
            "refused are refused alike, whatever the reason."
        ),
        "accepted": accepted,
        "refused": refused_envelopes(key, of_role),
    }


def refused_envelopes(key: bytes, of_role: dict) -> list:
    item = of_role["item"]
    plaintext = b'{"kind":"note","name":"Tides","notes":"Twice a day."}'
    salt = bytes_for("refused salt")
    good = seal(key, salt, item, plaintext)
    assert len(good) % 3 != 0
    cases = []

    def refuse(why: str, sealed: bytes = good, context: list = item, with_key: bytes = key, text: str = None):
        text = base64url(sealed) if text is None else text
        cases.append({"why": why, "key": with_key.hex(), "context": context, "sealed": text})

    def flipped(at: int, bit: int) -> bytes:
        changed = bytearray(good)
        changed[at] ^= 1 << bit
        return bytes(changed)

    regions = {"salt": (1, 33), "commitment": (33, 65), "body": (65, len(good) - 16), "tag": (-16, 0)}
    for name, (begin, end) in regions.items():
        first, last = begin % len(good), (end - 1) % len(good)
        refuse(f"the first bit of the {name} is flipped", flipped(first, 7))
        refuse(f"the last bit of the {name} is flipped", flipped(last, 0))
    for bad in (0x00, 0x02, 0x81, 0xFF):
        refuse(f"the version is 0x{bad:02x}", bytes([bad]) + good[1:])

    refuse("the commitment is zeros", good[:33] + bytes(32) + good[65:])
    other_key = bytes_for("other key")
    other_commitment = hkdf(other_key, salt, b"limpet/v1/envelope", 64)[32:]
    refuse("the commitment is that of another key", good[:33] + other_commitment + good[65:])
    encryption_key = hkdf(key, salt, b"limpet/v1/envelope", 64)[:32]
    refuse("the commitment is the encryption key", good[:33] + encryption_key + good[65:])
    refuse("the commitment is right and the body is another key's", good[:65] + seal(other_key, salt, item, plaintext)[65:])

    refuse("another key", with_key=other_key)
    refuse("a key of which one bit differs", with_key=bytes([key[0] ^ 1]) + key[1:])

    # The bytes of every role, offered in the context of every other one.
    for role, context in of_role.items():
        own = good if role == "item" else seal(key, bytes_for(f"refused {role}"), context, plaintext)
        for other, other_context in of_role.items():
            if other != role:
                refuse(f"sealed as {role}, opened as {other}", own, other_context)
        refuse(f"sealed as {role}, opened without its role", own, context[1:])
        refuse(f"sealed as {role}, opened without its last part", own, context[:-1])
        refuse(f"sealed as {role}, opened with one part more", own, [*context, ""])
        for at in range(1, len(context)):
            changed = [*context]
            changed[at] = context[at][:-1] + ("3" if context[at][-1] != "3" else "4")
            refuse(f"sealed as {role}, opened with another part {at}", own, changed)

    refuse("another item of the same vault", context=["item", VAULT, OTHER_ITEM])
    refuse("the same item in another vault", context=["item", OTHER_VAULT, ITEM])
    refuse("vault and item exchanged", context=["item", ITEM, VAULT])
    refuse("ids in capitals", context=["item", VAULT.upper(), ITEM.upper()])
    refuse("the parts as one", context=["".join(item)])
    refuse("two parts as one", context=["item", VAULT + ITEM])
    refuse("the parts split elsewhere", context=["item", VAULT[:-1], VAULT[-1] + ITEM])
    refuse("the role and the first part split elsewhere", context=["item" + VAULT[0], VAULT[1:], ITEM])
    refuse("no context", context=[])
    account_kdf = kdf_with("default", **DEFAULT)
    account = seal(key, bytes_for("refused account"), of_role["account-key"], plaintext)
    for name in ("memoryKiB", "iterations", "parallelism"):
        weaker = {**account_kdf, name: account_kdf[name] + 1}
        refuse(f"an account key with another {name}", account, account_key_context(ACCOUNT, weaker))
    other_salt = {**account_kdf, "salt": base64url(bytes_for("other kdf salt", 16))}
    refuse("an account key with another salt", account, account_key_context(ACCOUNT, other_salt))
    refuse("an account key of another account", account, account_key_context(OTHER_ACCOUNT, account_kdf))

    for length in (0, 1, 32, 33, 64, 65, 66, 80, 81, 82, len(good) - 16, len(good) - 1):
        refuse(f"cut off after {length} bytes", good[:length])
    refuse("one byte more", good + b"\0")
    refuse("twice", good + good)

    text = base64url(good)
    odd = next(character for character in "-_" if character in text)
    refuse("padded base64", text=text + "=" * (-len(text) % 4))
    refuse("the alphabet of base64", text=text.replace("-", "+").replace("_", "/"))
    refuse("one character of the alphabet of base64", text=text.replace(odd, {"-": "+", "_": "/"}[odd], 1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    refuse("a trailing bit", text=text[:-1] + alphabet[alphabet.index(text[-1]) + 1])
    refuse("a newline at the end", text=text + "\n")
    refuse("a space before", text=" " + text)
    refuse("a newline inside", text=text[:64] + "\n" + text[64:])
    refuse("a zero byte at the end", text=text + "\0")
    refuse("one character too many", text=text + "A" * ((1 - len(text)) % 4))
    refuse("a letter that only looks like A", text="\u0410" + text[1:])
    refuse("hexadecimal", text=good.hex())

    for why, padded in bad_paddings():
        refuse(f"sealed with bad padding: {why}", seal_padded(key, salt, item, padded))
    refuse("sealed without a body", seal_padded(key, salt, item, b""))
    refuse("sealed with another info", seal_padded(key, salt, item, pad(plaintext), info=b"limpet/v2/envelope"))
    refuse("sealed with another nonce", seal_padded(key, salt, item, pad(plaintext), nonce=bytes(11) + b"\x01"))
    refuse("sealed without associated data", seal_padded(key, salt, item, pad(plaintext), aad=b""))
    refuse("sealed with the context as text", seal_padded(key, salt, item, pad(plaintext), aad="".join(item).encode()))
    return cases


def bad_paddings() -> list:
    return [
        ("one zero byte, no marker", b"\0"),
        ("zeros only", bytes(32)),
        ("text without a marker", b"limpet"),
        ("text and zeros without a marker", b"limpet\0\0"),
        ("another marker", b"limpet\x01"),
        ("a marker followed by other than zeros", b"limpet\x80\x01"),
        ("one zero too many", pad(b"limpet") + b"\0"),
        ("zeros to a longer length of Padm\u00e9", b"limpet\x80".ljust(16, b"\0")),
        ("one zero too few", pad(bytes_for("33", 33))[:-1]),
        ("a marker and no zeros where Padm\u00e9 wants them", bytes_for("17", 40) + b"\x80"),
        ("to a multiple of 16", b"limpet limpet limpet\x80".ljust(32, b"\0")),
    ]


def padding() -> dict:
    lengths = [*range(0, 66), 100, 127, 128, 129, 1000, 1023, 1024, 1025, 65535, 65536, 65537, 262144]
    lengths += [2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 2**40 + 12345, 2**48 - 1, 2**52 + 1]
    plaintexts = [b"", b"\0", b"a", b"\x80", b"\x80\0", b"limpet", b"limpet\x80\0\0", bytes(range(32)), bytes(40)]
    plaintexts += [bytes_for("padding", count) for count in (7, 8, 9, 15, 16, 17, 64, 100)]
    refused = [("nothing", b""), *bad_paddings()]
    return {
        "description": "Section 'Padding'. padme: pairs of a length and its padded length.",
        "padme": [[length, padme(length)] for length in lengths],
        "accepted": [{"plaintext": plaintext.hex(), "padded": pad(plaintext).hex()} for plaintext in plaintexts],
        "refused": [{"why": why, "padded": padded.hex()} for why, padded in refused],
    }


def base64urls() -> dict:
    samples = [b"", b"\0", b"f", b"fo", b"foo", b"foob", b"\xff\xff\xff", b"\xfb\xef\xbe", bytes(range(256))]
    refused = {
        "padding": ["Zg==", "Zm8=", "=", "===="],
        "one character alone": ["A", "AAAAA"],
        "trailing bits": ["Zh", "Zm9", "AB", "AAB", "AAAAAf", "__"],
        "the alphabet of base64": ["+/+/", "++++"],
        "white space": [" ", "Zm9v\n", "Zm 9v", "\tZm9v"],
        "outside of ASCII": ["Zm9\u00e9", "\u0410\u0410\u0410\u0410", "Zm9v\U0001f40c"],
        "other characters": ["Zm9.", "Zm9v\0", "Zm9v,Zm9v", "@@@@", "[[[[", "````", "{{{{"],
    }
    return {
        "description": "Canonical base64url without padding (RFC 4648, section 5).",
        "accepted": [{"bytes": sample.hex(), "text": base64url(sample)} for sample in samples],
        "refused": [{"why": why, "text": text} for why, texts in refused.items() for text in texts],
    }


def chain() -> dict:
    password, kdf = "correct horse battery staple", kdf_with("chain")
    new_password, new_kdf = "Patella vulgata \u00e0 mar\u00e9e basse", kdf_with("chain, changed", iterations=3)
    account_key, vault_key = bytes_for("chain account key"), bytes_for("chain vault key")
    item = {
        "kind": "login",
        "name": "Harbour office",
        "username": "ada@example.com",
        "password": "t\u00efdal-p00l",
        "urls": ["https://harbour.example/login"],
        "totp": "otpauth://totp/Harbour:ada?secret=JBSWY3DPEHPK3PXP&issuer=Harbour",
        "notes": "The quay closes at low tide.",
        "fields": [{"name": "PIN", "value": "2718", "hidden": True}],
        "folder": "Work",
        "tags": ["sea", "boats"],
        "favourite": True,
        "madeUpByALaterClient": {"kept": ["as", 1, "is"]},
    }
    vault_data = {"name": "Personal", "colour": "sea green"}

    def as_json(value: dict) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def keys_of(password: str, kdf: dict) -> dict:
        return {part: value.hex() for part, value in derive_keys(password, kdf).items()}

    keys, new_keys = keys_of(password, kdf), keys_of(new_password, new_kdf)

    def account_envelope(name: str, keys: dict, kdf: dict) -> dict:
        return envelope(name, bytes.fromhex(keys["wrapKey"]), account_key_context(ACCOUNT, kdf), account_key)

    account = account_envelope("chain account key", keys, kdf)
    changed = account_envelope("chain account key after the change", new_keys, new_kdf)
    vault = envelope("chain vault key", account_key, ["vault-key", ACCOUNT, VAULT], vault_key)
    data = envelope("chain vault data", vault_key, ["vault-data", VAULT], as_json(vault_data))
    content = envelope("chain item", vault_key, ["item", VAULT, ITEM], as_json(item))

    def misused(why: str, of: dict, **changes) -> dict:
        return {"why": why, **{part: {**of, **changes}[part] for part in ("key", "context", "sealed")}}

    cheaper = {**new_kdf, "iterations": 2}
    return {
        "description": (
            "A whole account. accepted: the password gives wrapKey, which opens accountKey, which opens vaultKey, which "
            "opens vaultData and item; then the password is changed and the account key stays. kdf and authKeyAsSent, "
            "and the sealed of accountKey, vaultKey and vaultData, are what a registration sends. refused: envelopes of "
            "this account that a hostile server offers for others."
        ),
        "accepted": [
            {
                "accountId": ACCOUNT,
                "vaultId": VAULT,
                "itemId": ITEM,
                "password": password,
                "kdf": kdf,
                **keys,
                "authKeyAsSent": base64url(bytes.fromhex(keys["authKey"])),
                "accountKey": account,
                "vaultKey": vault,
                "vaultData": data,
                "vaultContent": vault_data,
                "item": content,
                "itemContent": item,
                "afterPasswordChange": {
                    "password": new_password,
                    "kdf": new_kdf,
                    **new_keys,
                    "authKeyAsSent": base64url(bytes.fromhex(new_keys["authKey"])),
                    "accountKey": changed,
                },
            }
        ],
        "refused": [
            misused("the account key of before the change, with the new password", account, key=new_keys["wrapKey"]),
            misused("the account key of after the change, with the old password", changed, key=keys["wrapKey"]),
            misused(
                "the new account key, with the old parameters",
                changed,
                context=account_key_context(ACCOUNT, kdf),
            ),
            misused(
                "the new account key, with cheaper parameters",
                changed,
                context=account_key_context(ACCOUNT, cheaper),
            ),
            misused(
                "the account key for another account",
                account,
                context=account_key_context(OTHER_ACCOUNT, kdf),
            ),
            misused("the account key opened with authKey", account, key=keys["authKey"]),
            misused("the vault key for another vault", vault, context=["vault-key", ACCOUNT, OTHER_VAULT]),
            misused("the account key in place of the vault key", account, context=vault["context"]),
            misused("the vault key opened with wrapKey", vault, key=keys["wrapKey"]),
            misused("the vault data in place of an item", data, context=content["context"]),
            misused("the item in place of another", content, context=["item", VAULT, OTHER_ITEM]),
            misused("the item in another vault", content, context=["item", OTHER_VAULT, ITEM]),
            misused("the item in place of the vault data", content, context=data["context"]),
        ],
    }


def rotation() -> dict:
    kdf = kdf_with("chain")
    password = "correct horse battery staple"
    wrap_key = derive_keys(password, kdf)["wrapKey"]
    account_keys = {version: bytes_for(f"rotation account key {version}") for version in (1, 2, 10)}
    vault_keys = {version: bytes_for(f"rotation vault key {version}") for version in (1, 2, 10)}
    token_key = bytes_for("rotation token key")
    item, marker, malformed = ["item", VAULT, ITEM], ["purge", VAULT, ITEM], b"not JSON"

    def versioned(context: list, version: int) -> list:
        return context if version == 1 else [*context, str(version)]

    def account(version: int) -> dict:
        context = versioned(account_key_context(ACCOUNT, kdf), version)
        return envelope(f"rotation account key {version}", wrap_key, context, account_keys[version])

    def vault(version: int, under: int = 1) -> dict:
        context = versioned(["vault-key", ACCOUNT, VAULT], version)
        return envelope(f"rotation vault key {version} under {under}", account_keys[under], context, vault_keys[version])

    def token(version: int) -> dict:
        context = versioned(["token-vault-key", ACCOUNT, VAULT], version)
        return envelope(f"rotation token {version}", token_key, context, vault_keys[version])

    def resealed(name: str, context: list, before: bytes, after: bytes) -> dict:
        return {
            "before": envelope(f"rotation {name} before", vault_keys[1], context, before),
            "after": envelope(f"rotation {name} after", vault_keys[2], context, after),
        }

    def file(attachment: str, salt: bytes) -> dict:
        context = ["resealed-file", VAULT, ITEM, attachment, base64url(salt)]
        made = hkdf(vault_keys[2], encode_context(context), b"limpet/v1/resealed-file", 48)
        id_bytes = bytearray(made[:16])
        id_bytes[6] = id_bytes[6] & 0x0F | 0x80
        id_bytes[8] = id_bytes[8] & 0x3F | 0x80
        return {
            "vaultKey": vault_keys[2].hex(),
            "attachmentId": attachment,
            "salt": base64url(salt),
            "newAttachmentId": str(uuid.UUID(bytes=bytes(id_bytes))),
            "newSalt": base64url(made[16:]),
        }

    def misused(why: str, of: dict, **changes) -> dict:
        return {"why": why, **{part: {**of, **changes}[part] for part in ("key", "context", "sealed")}}

    second, third = vault(2), vault(10)
    return {
        "description": (
            "Section 'Changing keys'. accountKeys, vaultKeys and tokenKeys: one account's and one vault's keys of "
            "several versions. resealed: what is sealed before and after a change of the vault's key; content that is "
            "malformed stays byte for byte. files: id and salt of a file that is sealed anew. refused: keys of one "
            "version that a hostile server offers for another."
        ),
        "accepted": [
            {
                "accountId": ACCOUNT,
                "vaultId": VAULT,
                "itemId": ITEM,
                "kdf": kdf,
                "accountKeys": [{"keyVersion": version, "envelope": account(version)} for version in (1, 2, 10)],
                "vaultKeys": [{"keyVersion": version, "envelope": vault(version)} for version in (1, 2, 10)],
                "vaultKeysUnderTheNextAccountKey": [
                    {"keyVersion": version, "envelope": vault(version, under=2)} for version in (1, 2)
                ],
                "tokenKeys": [{"keyVersion": version, "envelope": token(version)} for version in (1, 2, 10)],
                "resealed": [
                    resealed(
                        "item",
                        item,
                        b'{"kind":"note","name":"Tides","edits":3}',
                        b'{"kind":"note","name":"Tides","edits":4}',
                    ),
                    resealed(
                        "item without a counter",
                        item,
                        b'{"kind":"note","name":"Tides"}',
                        b'{"kind":"note","name":"Tides","edits":1}',
                    ),
                    resealed(
                        "content of another form that can be counted",
                        item,
                        b'{"kind":"note","name":7,"n":1.0,"edits":2}',
                        b'{"kind":"note","name":7,"n":1.0,"edits":3}',
                    ),
                    resealed("content that cannot be counted", item, malformed, malformed),
                    resealed(
                        "content with a repeated member",
                        item,
                        b'{"kind":"note","name":"a","name":"b","edits":5}',
                        b'{"kind":"note","name":"a","name":"b","edits":5}',
                    ),
                    resealed("marker", marker, b'{"edits":8}', b'{"edits":9}'),
                ],
                "files": [
                    file("d1b2c3d4-0c64-4b2e-8f3d-1a2b3c4d5e01", bytes_for("rotation file salt")),
                    file("d1b2c3d4-0c64-4b2e-8f3d-1a2b3c4d5e01", bytes_for("another rotation file salt")),
                ],
            }
        ],
        "refused": [
            misused("the vault key of version 2 as the one of version 1", second, context=vault(1)["context"]),
            misused("the vault key of version 1 as the one of version 2", vault(1), context=second["context"]),
            misused("the vault key of version 10 as the one of version 1", third, context=[*vault(1)["context"], "1"]),
            misused("the vault key of version 1 with its version", vault(1), context=[*vault(1)["context"], "1"]),
            misused("the vault key of version 2 with a leading zero", second, context=[*vault(1)["context"], "02"]),
            misused("the vault key under the account key of before", vault(1, under=2), key=account_keys[1].hex()),
            misused("the account key of version 2 as the one of version 1", account(2), context=account(1)["context"]),
            misused("the account key of version 1 as the one of version 2", account(1), context=account(2)["context"]),
            misused("the token's key of version 2 as the one of version 1", token(2), context=token(1)["context"]),
            misused("the token's key of version 2 as the vault's", token(2), context=second["context"]),
        ],
    }


def share_keys(link_key: bytes, passphrase: str = None) -> dict:
    fernet_key = link_key
    if passphrase is not None:
        secret = unicodedata.normalize("NFKC", passphrase).encode("utf-8")
        fernet_key = hashlib.pbkdf2_hmac("sha256", secret, link_key, 600_000)
    proof = hashlib.sha256(b"limpet-share-proof:" + base64url(fernet_key).encode()).digest()
    return {"fernetKey": fernet_key, "proof": proof}


def sign_fernet(key: bytes, signed: bytes) -> str:
    token = signed + hmac.new(key[:16], signed, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(token).decode()


def fernet_encrypt(key: bytes, seconds: int, iv: bytes, padded: bytes, version: bytes = b"\x80") -> str:
    cipher = Cipher(AES(key[16:]), CBC(iv)).encryptor()
    return sign_fernet(key, version + struct.pack(">Q", seconds) + iv + cipher.update(padded) + cipher.finalize())


def pkcs7(plaintext: bytes) -> bytes:
    missing = 16 - len(plaintext) % 16
    return plaintext + bytes([missing]) * missing


def shares() -> dict:
    seconds = 1_767_225_600
    iv = bytes_for("share iv", 16)

    def accepted(name: str, plaintext: bytes, passphrase: str = None, label: str = "share") -> dict:
        link_key = bytes_for(f"link key {label}")
        keys = share_keys(link_key, passphrase)
        return {
            "name": name,
            "linkKey": base64url(link_key),
            "passphrase": passphrase,
            "fernetKey": keys["fernetKey"].hex(),
            "proof": base64url(keys["proof"]),
            "seconds": seconds,
            "iv": iv.hex(),
            "plaintext": plaintext.hex(),
            "token": fernet_encrypt(keys["fernetKey"], seconds, iv, pkcs7(plaintext)),
        }

    key = share_keys(bytes_for("link key refused"))["fernetKey"]
    plaintext = b"The quay closes at low tide, and opens at high water."
    good = fernet_encrypt(key, seconds, iv, pkcs7(plaintext))
    good_bytes = base64.urlsafe_b64decode(good)
    refused = []

    def refuse(why: str, token: str, with_key: bytes = key):
        refused.append({"why": why, "fernetKey": with_key.hex(), "token": token})

    def flipped(at: int) -> str:
        changed = bytearray(good_bytes)
        changed[at] ^= 1
        return base64.urlsafe_b64encode(changed).decode()

    refuse("another key", good, bytes_for("another link key"))
    refuse("the halves of the key exchanged", good, key[16:] + key[:16])
    for part, at in {"version": 0, "time": 8, "initialization vector": 9, "ciphertext": 25, "HMAC": -1}.items():
        refuse(f"a bit of the {part} is flipped", flipped(at))
    refuse("another version, signed", fernet_encrypt(key, seconds, iv, pkcs7(plaintext), version=b"\x81"))
    refuse("no ciphertext, signed", sign_fernet(key, good_bytes[:25]))
    refuse("half a block more, signed", sign_fernet(key, good_bytes[:-32] + bytes(8)))
    refuse("a block less, signed", sign_fernet(key, good_bytes[: -32 - 16]))
    refuse("padding of zero, signed", fernet_encrypt(key, seconds, iv, bytes(16)))
    refuse("padding of 17, signed", fernet_encrypt(key, seconds, iv, b"\x11" * 32))
    refuse("padding whose bytes differ, signed", fernet_encrypt(key, seconds, iv, bytes(14) + b"\x01\x02"))
    for length in (0, 1, 56, 57, 72, len(good_bytes) - 1):
        refuse(f"cut off after {length} bytes", base64.urlsafe_b64encode(good_bytes[:length]).decode())
    refuse("one byte more", base64.urlsafe_b64encode(good_bytes + b"\0").decode())
    assert good.endswith("==")
    refuse("without padding", good[:-2])
    refuse("half of its padding", good[:-1])
    refuse("too much padding", good + "=")
    refuse("a trailing bit", good[:-3] + chr(ord(good[-3]) + 1) + "==")
    refuse("a newline at the end", good + "\n")
    refuse("the alphabet of base64", base64.b64encode(good_bytes).decode())

    share_id, link_key = base64url(bytes_for("share id", 16)), base64url(bytes_for("link key link"))
    address = f"https://vault.example.com/s/{share_id}"
    link = f"{address}#{link_key}"

    def read_as(text: str, server: str = "https://vault.example.com") -> dict:
        return {"text": text, "server": server, "id": share_id, "key": link_key}

    def damaged(why: str, text: str, incomplete: bool) -> dict:
        return {"why": why, "text": text, "incomplete": incomplete}

    return {
        "description": (
            "Section 'One-time shares'. accepted: linkKey and passphrase (null where there is none) to fernetKey and "
            "proof; token: the Fernet token of plaintext made at seconds since 1970 with iv. refused: tokens that must "
            "not open with fernetKey. links: how a text is read. refusedLinks: texts that are no link; incomplete where "
            "they are one whose id or key is missing or damaged."
        ),
        "accepted": [
            accepted("no passphrase", plaintext),
            accepted("any bytes", bytes(range(256)), label="bytes"),
            accepted("one whole block", bytes_for("block", 16)),
            accepted("a passphrase", plaintext, "correct horse battery staple"),
            accepted("the same passphrase with another link key", plaintext, "correct horse battery staple", "other"),
            accepted("a passphrase that NFKC changes", plaintext, "\ufb01ve A\u030angstro\u0308ms \u2460"),
            accepted("the same passphrase in its NFKC form", plaintext, "five \u00c5ngstr\u00f6ms 1"),
            accepted("white space of a passphrase stays", plaintext, " pass\tphrase "),
        ],
        "refused": refused,
        "links": [
            read_as(link),
            read_as(link.replace("https:", "http:"), "http://vault.example.com"),
            read_as(f"http://[::1]:8080/s/{share_id}#{link_key}", "http://[::1]:8080"),
            read_as(f"https://example.com/secrets/s/{share_id}#{link_key}", "https://example.com/secrets"),
            read_as(link.replace("https", "Https"), "Https://vault.example.com"),
            read_as(f"{address}%23{link_key}"),
            read_as(f"{address}%2523{link_key}"),
            read_as(f"{address}%252523{link_key}"),
            read_as(f"{address}/#{link_key}"),
            read_as(f"{address}?utm_source=chat#{link_key}"),
            read_as(f"{address}/?utm_source=chat&a=/s/%23{link_key}"),
            read_as(f"https://example.com/s/s/{share_id}#{link_key}", "https://example.com/s"),
            read_as(f"  {link}\r\n"),
            *[read_as(link + mark) for mark in (".", ",", ";", "!", "?", ":", "...", "/", "*", "-", "_", "#", "%", "\u2026")],
            *[read_as(before + link + after) for before, after in ("<>", "()", "[]", "{}", '""', "''", "\u201c\u201d")],
            *[read_as(before + link + after) for before, after in ("\u201e\u201c", "\u00ab\u00bb", "\uff08\uff09")],
            *[read_as(mark + link + mark) for mark in ("`", "```", "*", "**", "_", "__", "~~", "||", "**`")],
            read_as(f"(<{link}>)."),
            read_as(f"> {link}"),
            read_as(f"- {link}\n"),
            read_as(f"[]({link})"),
            read_as(f"\u200b\ufeff{link}\u200b\u2060\u00a0"),
            read_as(f"\u2068{link}\u2069"),
            *[read_as(link + after) for after in ("%60", "%3E.", "%22)", "%E2%80%A6", "%C2%BB!")],
        ],
        "refusedLinks": [
            damaged("nothing", "", False),
            damaged("an id alone", share_id, False),
            damaged("id and key alone", f"{share_id}#{link_key}", False),
            damaged("another scheme", f"ftp://vault.example.com/s/{share_id}#{link_key}", False),
            damaged("a script", f"javascript://vault.example.com/s/{share_id}#{link_key}", False),
            damaged("another page", f"https://vault.example.com/docs#{link_key}", False),
            damaged("no id", f"https://vault.example.com/s/#{link_key}", False),
            damaged("a page below the share", f"{address}/raw#{link_key}", False),
            damaged("words before it", f"Open {link}", False),
            damaged("a Markdown link with words", f"[the secret]({link})", False),
            damaged("a user name", f"https://vault.example.com@example.net/s/{share_id}#{link_key}", False),
            damaged("a backslash", f"https://vault.example.com\\@example.net/s/{share_id}#{link_key}", False),
            damaged("no server", f"https:///s/{share_id}#{link_key}", False),
            damaged("white space in the address", f"https://vault.example.com/a b/s/{share_id}#{link_key}", False),
            damaged("a control character in the address", f"https://vault.example.com/\x1b/s/{share_id}#{link_key}", False),
            damaged("no key", address, True),
            damaged("an empty key", f"{address}#", True),
            damaged("an encoded # and no key", f"{address}%23", True),
            damaged("a key whose end is missing", link[:-1], True),
            damaged("half of the key", link[:-20], True),
            damaged("a key with trailing bits", link[:-1] + "B", True),
            damaged("a padded key of another length", f"{address}#{link_key[:-1]}=", True),
            damaged("one character more", link + "A", True),
            damaged("a key in two parts", f"{address}#{link_key[:20]}#{link_key[20:]}", True),
            damaged("a line break in the key", f"{address}#{link_key[:20]}\n{link_key[20:]}", True),
            damaged("words after it", f"{link} and more", True),
            damaged("a digit after it", f"{link}-1", True),
            damaged("an encoded letter after it", f"{link}%41", True),
            damaged("half of an encoded character after it", f"{link}%C3", True),
            damaged("an encoded character in the key", f"{address}#{link_key[:5]}%2D{link_key[6:]}", True),
            damaged("white space before the key", f"{address}# {link_key}", True),
            damaged("an id that is too short", f"{address[:-1]}#{link_key}", True),
            damaged("an id with trailing bits", f"{address[:-1]}B#{link_key}", True),
            damaged("a character of base64 in the key", f"{address}#{link_key[:5]}+{link_key[6:]}", True),
        ],
    }


def tokens() -> dict:
    token = "lmp_" + base64url(bytes_for("token"))
    secret = bytes_for("token secret")
    token_key = hkdf(secret, b"", b"limpet/v1/token", 32)
    context = ["token-vault-key", ACCOUNT, VAULT]
    sealed = envelope("vault key of a token", token_key, context, bytes_for("vault key"))
    own_half = base64url(secret)

    def misused(why, *, key=token_key, context=context):
        return {"why": why, "key": key.hex(), "context": context, "sealed": sealed["sealed"]}

    return {
        "description": "Section 'Personal access tokens'. text: what the bearer is given. secret: its second half. "
        "vaultKey: the envelope that the server keeps. refusedTexts: what is not a whole token.",
        "accepted": [
            {
                "text": f"{token}.{own_half}",
                "token": token,
                "secret": secret.hex(),
                "tokenKey": token_key.hex(),
                "vaultKey": sealed,
            }
        ],
        "refused": [
            misused("another vault", context=["token-vault-key", ACCOUNT, OTHER_VAULT]),
            misused("another account", context=["token-vault-key", OTHER_ACCOUNT, VAULT]),
            misused("in place of the account's own envelope", context=["vault-key", ACCOUNT, VAULT]),
            misused("the secret itself as the key", key=secret),
            misused("the server's half as the secret", key=hkdf(token.encode(), b"", b"limpet/v1/token", 32)),
        ],
        "refusedTexts": [
            {"why": "empty", "text": ""},
            {"why": "another prefix", "text": f"ghp_{token[4:]}.{own_half}"},
            {"why": "the second half alone", "text": own_half},
            {"why": "a token that is cut off", "text": f"{token[:-1]}.{own_half}"},
            {"why": "an empty second half", "text": f"{token}."},
            {"why": "a second half that is cut off", "text": f"{token}.{own_half[:-1]}"},
            {"why": "a second half that is not canonical", "text": f"{token}.{own_half[:-1]}B"},
            {"why": "three parts", "text": f"{token}.{own_half}.{own_half}"},
        ],
    }


def credentials() -> dict:
    key = bytes_for("master key")
    key_id = base64url(hmac.new(key, b"limpet/v1/credentials/key-id", hashlib.sha256).digest()[:8])

    def sealed(purpose, text, nonce):
        associated_data = f"limpet-sealed-1.{key_id}.{purpose}"
        body = nonce + AESGCM(key).encrypt(nonce, text.encode(), associated_data.encode())
        return {
            "purpose": purpose,
            "associatedData": associated_data,
            "text": text,
            "sealed": f"limpet-sealed-1.{key_id}.{base64url(body)}",
        }

    nonce = bytes_for("credentials nonce")[:12]
    return {
        "description": "The operator's credentials (docs/credentials.md, 'The form'). masterKey as in its file. A nonce is "
        "random; here it is the one given. text: what was sealed, as UTF-8. associatedData: as text.",
        "masterKey": base64url(key),
        "keyId": key_id,
        "nonce": nonce.hex(),
        "accepted": [
            sealed("file:credentials.yml.enc", "JWT_SECRET: a secret of thirty-two bytes or more\n", nonce),
            sealed("file:tls key.pem.enc", "A file of the operator's own", nonce),
            sealed("text", "", nonce),
            sealed("text", "Grüße\n\U0001f511", nonce),
        ],
    }


def opaque_registrations() -> dict:
    def registration(name: str, password: str) -> dict:
        secret = unicodedata.normalize("NFKC", password).encode("utf-8")
        blind, server_key = (
            int.from_bytes(bytes_for(f"opaque {label} {name}", 64), "little") % opaque.ORDER for label in ("blind", "server")
        )
        oprf_seed = bytes_for(f"oprf seed {name}", 64)
        credential_identifier = base64url(bytes_for(f"credential identifier {name}"))
        envelope_nonce = bytes_for(f"envelope nonce {name}")
        request = opaque.blinded(secret, blind)
        server_public_key = opaque.public_key(server_key)
        response = opaque.evaluate(oprf_seed, credential_identifier.encode(), request) + server_public_key
        record, export_key = opaque.finish_registration(secret, blind, response, envelope_nonce, DEFAULT)
        return {
            "name": name,
            "password": password,
            "oprfSeed": oprf_seed.hex(),
            "serverPrivateKey": server_key.to_bytes(32, "little").hex(),
            "serverPublicKey": server_public_key.hex(),
            "credentialIdentifier": credential_identifier,
            "blind": blind.to_bytes(32, "little").hex(),
            "envelopeNonce": envelope_nonce.hex(),
            "request": base64url(request),
            "response": base64url(response),
            "record": base64url(record),
            "exportKey": export_key.hex(),
            "wrapKey": hkdf(export_key, b"", b"limpet/v1/wrap", 32).hex(),
        }

    accepted = [
        registration("ASCII", "correct horse battery staple"),
        registration("normalized to NFKC", "Gr\u00fc\u00dfe \u2167 \ufb01n"),
    ]
    first = {key: accepted[0][key] for key in ("password", "blind", "request")}
    response = base64.urlsafe_b64decode(accepted[0]["response"] + "==")

    def refused(why: str, changed: bytes) -> dict:
        return {"why": why, **first, "response": base64url(changed)}

    return {
        "description": "Choices of a password by OPAQUE (docs/protocol.md, 'OPAQUE'). blind and envelopeNonce are what the client "
        "chose at random; messages are base64url, as sent. oprfSeed, the server's keys and credentialIdentifier (text, used as UTF-8) "
        "are the server's: clients do not see them. Numbers are of 32 bytes, little-endian.",
        "accepted": accepted,
        "refused": [
            refused("an evaluated element that is the neutral one", bytes(32) + response[32:]),
            refused("an evaluated element that is none", b"\xff" * 32 + response[32:]),
            refused("a public key that is none", response[:32] + b"\xff" * 32),
            refused("a response that is cut off", response[:-1]),
        ],
    }


def check_logins():
    """opaque.json comes from the library that the client uses. This makes the same of it by the document alone."""
    vectors = json.loads(Path(__file__).with_name("opaque.json").read_text(encoding="utf-8"))
    for vector in vectors["accepted"] + vectors["refused"]:
        secret = unicodedata.normalize("NFKC", vector["password"]).encode("utf-8")
        blind, client_secret = (
            int.from_bytes(bytes.fromhex(vector[name]), "little") for name in ("blind", "clientSecret")
        )
        ke1, ke2 = (base64.urlsafe_b64decode(vector[name] + "==") for name in ("request", "response"))
        finished = opaque.finish_login(secret, blind, client_secret, ke1, ke2, DEFAULT)
        if "finish" not in vector:
            assert finished is None, vector["why"]
            continue
        assert opaque.start_login(secret, blind, client_secret, bytes.fromhex(vector["clientNonce"])) == ke1
        assert finished is not None and base64url(finished[0]) == vector["finish"]
        assert finished[1].hex() == vector["exportKey"]


def history() -> dict:
    key = bytes_for("history vault key")

    def item(name: str, content: dict) -> dict:
        plaintext = json.dumps(content, separators=(",", ":")).encode()
        sealed = seal(key, bytes_for(f"history salt {name}"), ["item", VAULT, ITEM], plaintext)
        return {"data": base64url(sealed), "plaintext": plaintext.decode()}

    def marker(edits: int, context: list = None) -> dict:
        plaintext = json.dumps({"edits": edits}, separators=(",", ":")).encode()
        sealed = seal(key, bytes_for(f"history marker salt {edits}"), context or ["purge", VAULT, ITEM], plaintext)
        return {"purged": True, "marker": base64url(sealed), "plaintext": plaintext.decode()}

    def edited(edits: int, name: str = "x") -> dict:
        return item(f"{name} {edits}", {"kind": "note", "name": name, "edits": edits})

    uncounted = item("uncounted", {"kind": "note", "name": "old"})
    other_uncounted = item("other uncounted", {"kind": "note", "name": "older"})
    malformed = item("malformed", {"kind": "note", "edits": 4})
    unmarked = {"purged": True}
    moved = marker(9, ["purge", VAULT, OTHER_ITEM])
    follows = [
        ("an edit", edited(3), edited(4)),
        ("an edit after several that this device did not see", edited(3), edited(9)),
        ("the same envelope again, as after the trash", edited(3), edited(3)),
        ("the first edit by a client that counts", uncounted, edited(1)),
        ("an edit of what was never counted, by a client that does not count", uncounted, other_uncounted),
        ("a deletion", edited(3), marker(4)),
        ("a deletion of what was never counted", uncounted, marker(1)),
        ("a deletion again, whoever says it", marker(4), unmarked),
        ("an item that came back after a deletion", marker(4), edited(5)),
        ("an item after a deletion without a marker", unmarked, edited(1)),
        ("an edit of what is malformed", malformed, edited(5)),
    ]
    refused = [
        ("an older state", edited(4), edited(3)),
        ("another state with the same counter", edited(4), edited(4, "y")),
        ("a state without a counter", edited(4), uncounted),
        ("a deletion without a marker", edited(3), unmarked),
        ("the marker of an earlier deletion", edited(5), marker(4)),
        ("a marker with the same counter", edited(4), marker(4)),
        ("the marker of another item", edited(3), moved),
        ("an item's envelope as a marker", edited(3), {"purged": True, "marker": edited(4)["data"]}),
        ("a marker as an item", edited(3), {"data": marker(4)["marker"], "plaintext": marker(4)["plaintext"]}),
        ("the state of before a deletion", marker(4), edited(3)),
        ("an older state of what is malformed", malformed, edited(3)),
    ]

    def pair(why: str, known: dict, shown: dict) -> dict:
        return {"why": why, "known": known, "shown": shown}

    return {
        "description": (
            "Section 'Counters'. Pairs of states of one item, as one is known and another is shown under a higher "
            "revision. accepted: an owner's client can have made the one out of the other. refused: it cannot. data and "
            "marker are envelopes under vaultKey; plaintext is what is in them."
        ),
        "vaultKey": key.hex(),
        "vaultId": VAULT,
        "itemId": ITEM,
        "accepted": [pair(*each) for each in follows],
        "refused": [pair(*each) for each in refused],
    }


def exports() -> dict:
    chunk_bytes = 65536

    def records_around(file_bytes: int) -> tuple:
        """The records up to the bytes of the file, and those behind them."""

        def line(record: dict) -> bytes:
            return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

        attachment = {"id": "5b7d9f31-2c4e-4a60-8b1d-3e5f7a9c1d01", "name": "chart.pdf", "type": "application/pdf"}
        item = {"kind": "note", "name": "Low tide", "notes": "03:12", "madeUpByALaterClient": [1, {"kept": None}]}
        times = {"createdAt": "2026-01-31T12:00:00.000Z", "updatedAt": "2026-02-01T12:00:00.000Z", "deletedAt": None}
        lines = [line({"type": "export", "createdAt": "2026-03-01T12:00:00.000Z", "program": "generate.py"})]
        lines += [line({"type": "vault", "id": VAULT, "content": {"name": "Caf\u00e9 \U0001f9aa"}})]
        if file_bytes > 0:
            file = {**attachment, "size": file_bytes, "salt": base64url(bytes_for("exported file salt"))}
            lines += [line({"type": "item", "id": ITEM, **times, "content": {**item, "attachments": [file]}})]
            replaced = {"createdAt": times["createdAt"], "replacedAt": times["updatedAt"]}
            lines += [line({"type": "version", **replaced, "content": {**item, "notes": "02:48"}})]
            lines += [line({"type": "file", "id": attachment["id"], "size": file_bytes})]
        return b"".join(lines), (b"\n" if file_bytes > 0 else b"") + line({"type": "end"})

    def records_of(file_bytes: int) -> bytes:
        before, after = records_around(file_bytes)
        return before + (bytes(range(1, 252)) * (file_bytes // 251 + 1))[:file_bytes] + after

    def header_of(passphrase: str, kdf: dict, form: int = 1) -> tuple:
        master_key = bytes.fromhex(derive_keys(passphrase, kdf)["masterKey"].hex())
        derived = hkdf(master_key, b"", b"limpet/v1/export", 64)
        header = {"limpetExport": form, "kdf": kdf, "commitment": base64url(derived[32:])}
        return master_key, derived[:32], json.dumps(header, separators=(",", ":")).encode() + b"\n"

    def nonce_of(number: int, last: bool) -> bytes:
        return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")

    def seal_chunk(key: bytes, header: bytes, number: int, last: bool, plaintext: bytes) -> bytes:
        return AESGCM(key).encrypt(nonce_of(number, last), plaintext, header)

    def chunks_of(records: bytes) -> list:
        padded = records.ljust(padme(len(records)), b"\0")
        return [padded[begin : begin + chunk_bytes] for begin in range(0, len(padded), chunk_bytes)]

    accepted, parts_of, refused = [], {}, []
    for name, passphrase, file_bytes in [
        ("an empty vault", "correct horse battery staple", 0),
        ("a passphrase that NFKC changes", "\ufb01ne \u2460 tide", 100),
        ("several chunks", "correct horse battery staple", 150000),
    ]:
        kdf, records = kdf_with(f"export {name}"), records_of(file_bytes)
        master_key, key, header = header_of(passphrase, kdf)
        chunks = chunks_of(records)
        sealed = [seal_chunk(key, header, at, at == len(chunks) - 1, chunk) for at, chunk in enumerate(chunks)]
        parts_of[name] = [header, *sealed]
        whole = b"".join(parts_of[name])
        vector = {
            "name": name,
            "passphrase": passphrase,
            "kdf": kdf,
            "recordsBefore": records_around(file_bytes)[0].decode(),
            "fileBytes": file_bytes,
            "recordsAfter": records_around(file_bytes)[1].decode(),
            "masterKey": master_key.hex(),
            "exportKey": key.hex(),
            "header": header.decode(),
            "recordBytes": len(records),
            "recordsSha256": hashlib.sha256(records).hexdigest(),
            "padded": padme(len(records)),
            "bytes": len(whole),
            "sealedSha256": hashlib.sha256(whole).hexdigest(),
        }
        accepted.append({**vector, "sealed": whole.hex()} if len(whole) < 4000 else vector)

    def refuse(why: str, refusal: str, of: str, pieces: list, passphrase: str = None):
        vector = next(vector for vector in accepted if vector["name"] == of)
        padded = records_of(vector["fileBytes"]).ljust(vector["padded"], b"\0")

        def bytes_of(piece: dict) -> bytes:
            if "hex" in piece:
                return bytes.fromhex(piece["hex"])
            if "nonce" in piece:
                plaintext = padded[piece["begin"] : piece["begin"] + piece["length"]]
                key, header = bytes.fromhex(vector["exportKey"]), vector["header"].encode()
                return AESGCM(key).encrypt(bytes.fromhex(piece["nonce"]), plaintext, header)
            return parts_of[piece.get("of", of)][piece["part"]][: piece.get("length")]

        pieces = [{"hex": piece.hex()} if isinstance(piece, bytes) else piece for piece in pieces]
        pieces = [{"part": piece} if isinstance(piece, int) else piece for piece in pieces]
        digest = hashlib.sha256(b"".join(bytes_of(piece) for piece in pieces)).hexdigest()
        assert digest != vector["sealedSha256"] or passphrase, why
        said = {"why": why, "refusal": refusal, "of": of, "passphrase": passphrase or vector["passphrase"]}
        refused.append({**said, "pieces": pieces, "offeredSha256": digest})

    def sealed_as(number: int, last: bool, plaintext: int) -> dict:
        """A chunk of the several, sealed as another one."""
        length = min(chunk_bytes, accepted[2]["padded"] - plaintext * chunk_bytes)
        return {"nonce": nonce_of(number, last).hex(), "begin": plaintext * chunk_bytes, "length": length}

    several, small = "several chunks", "an empty vault"
    header = parts_of[several][0]
    last_bytes = len(parts_of[several][3])
    assert len(parts_of[several]) == 4
    refuse("another passphrase", "passphrase", small, [0, 1], "correct horse battery stable")
    refuse("a last chunk that is left out", "content", several, [0, 1, 2])
    refuse("a chunk that is left out", "content", several, [0, 1, 3])
    refuse("two chunks in another order", "content", several, [0, 2, 1, 3])
    refuse("a chunk that is repeated", "content", several, [0, 1, 1, 2, 3])
    refuse("the chunks without the first", "content", several, [0, 2, 3])
    refuse("a last chunk that is cut off", "content", several, [0, 1, 2, {"part": 3, "length": last_bytes - 1}])
    refuse("a last chunk of a tag alone", "content", several, [0, 1, 2, {"part": 3, "length": 16}])
    refuse("the header alone", "content", several, [0])
    refuse("a byte behind the last chunk", "content", several, [0, 1, 2, 3, b"\0"])
    refuse("a byte that is changed", "content", several, [0, 1, 2, {"part": 3, "length": last_bytes - 1}, b"\xff"])
    refuse("a chunk in the place of one", "content", several, [0, 1, sealed_as(2, False, 1), 3])
    refuse("a last chunk that is not sealed as such", "content", several, [0, 1, 2, sealed_as(2, False, 2)])
    refuse("a chunk of another export", "content", several, [0, 1, 2, {"part": 1, "of": small}])
    refuse("a space in the header", "content", several, [header.replace(b",", b", ", 1), 1, 2, 3])
    refuse("another salt", "passphrase", small, [header_of("x", kdf_with("other"))[2], 1])
    text = parts_of[small][0].decode()
    other = text.replace(text[-46:-3], accepted[2]["header"][-46:-3]).encode()
    refuse("the commitment of another export", "passphrase", small, [other, 1])
    for why, refusal, old, new in [
        ("more memory than a client gives", "costs", '"memoryKiB":19456', '"memoryKiB":1048577'),
        ("all the memory that there is", "costs", '"memoryKiB":19456', '"memoryKiB":4294967295'),
        ("less memory than the least", "costs", '"memoryKiB":19456', '"memoryKiB":19455'),
        ("more passes than a client makes", "costs", '"iterations":2', '"iterations":17'),
        ("half a pass more", "costs", '"iterations":2', '"iterations":2.5'),
        ("more lanes than a client has", "costs", '"parallelism":1', '"parallelism":9'),
        ("another algorithm", "header", "argon2id", "argon2i"),
        ("a later form", "header", '"limpetExport":1', '"limpetExport":2'),
        ("a form that is no number", "header", '"limpetExport":1', '"limpetExport":"1"'),
        ("no commitment", "header", '"commitment"', '"promise"'),
        ("a short salt", "header", '"salt":"', '"salt":"AA'),
        ("a header without its end", "header", "\n", ""),
    ]:
        assert old in text, why
        refuse(why, refusal, small, [text.replace(old, new).encode(), *([] if old == "\n" else [1])])
    return {
        "description": (
            "docs/export-format.md. accepted: passphrase, kdf and records to the file; the records have so many bytes of a file "
            "in their middle, which are 1 to 251, again and again. The sealed file is given whole, or as its SHA-256. refused: what is offered instead, put together "
            "from parts of an accepted file (0 is its header, the others its chunks) and other bytes; refusal says what it "
            "fails at: the header, the costs, the passphrase or the content."
        ),
        "accepted": accepted,
        "refused": refused,
    }


def sealed_files() -> dict:
    vault_key = bytes_for("files vault key")
    attachment = "5b7d9f31-2c4e-4a60-8b1d-3e5f7a9c1d01"
    other_attachment = "5b7d9f31-2c4e-4a60-8b1d-3e5f7a9c1d02"
    ids = {"vaultId": VAULT, "itemId": ITEM, "attachmentId": attachment}
    chunk_bytes = 65536

    def plaintext_of(size: int) -> bytes:
        return (bytes(range(1, 252)) * (size // 251 + 1))[:size]

    def keys_of(salt: bytes) -> tuple:
        derived = hkdf(vault_key, salt, b"limpet/v1/file", 64)
        return derived[:32], derived[32:]

    def context_of(of: dict) -> list:
        return ["file", of["vaultId"], of["itemId"], of["attachmentId"]]

    def nonce_of(number: int, last: bool) -> bytes:
        return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")

    def seal_chunk(salt: bytes, nonce: bytes, plaintext: bytes, of: dict = ids) -> bytes:
        return AESGCM(keys_of(salt)[0]).encrypt(nonce, plaintext, encode_context(context_of(of)))

    def chunks_of(size: int) -> list:
        padded = plaintext_of(size).ljust(padme(size), b"\0")
        return [padded[begin : begin + chunk_bytes] for begin in range(0, max(1, len(padded)), chunk_bytes)]

    def sealed_of(size: int, salt: bytes) -> list:
        """The header, then each chunk."""
        chunks = chunks_of(size)
        header = b"\x01" + salt + keys_of(salt)[1]
        return [header] + [
            seal_chunk(salt, nonce_of(number, number == len(chunks) - 1), chunk) for number, chunk in enumerate(chunks)
        ]

    def sha256(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    salts = {}
    accepted = []
    for name, size in [
        ("empty", 0),
        ("one byte", 1),
        ("some bytes with padding", 1000),
        ("a byte less than a chunk", 65535),
        ("one chunk", 65536),
        ("a byte more than a chunk", 65537),
        ("several chunks", 150000),
        ("the last chunk is padding alone", 4194305),
    ]:
        salts[name] = bytes_for(f"file salt {name}")
        parts = sealed_of(size, salts[name])
        sealed = b"".join(parts)
        file_key, commitment = keys_of(salts[name])
        vector = {
            "name": name,
            **ids,
            "size": size,
            "plaintextSha256": sha256(plaintext_of(size)),
            "salt": salts[name].hex(),
            "fileKey": file_key.hex(),
            "commitment": commitment.hex(),
            "context": context_of(ids),
            "padded": padme(size),
            "chunks": len(parts) - 1,
            "lastNonce": nonce_of(len(parts) - 2, True).hex(),
            "bytes": len(sealed),
            "sealedSha256": sha256(sealed),
        }
        accepted.append({**vector, "sealed": sealed.hex()} if len(sealed) < 2000 else vector)
        assert len(sealed) == 65 + padme(size) + 16 * max(1, -(-padme(size) // chunk_bytes))

    sizes = {vector["name"]: vector["size"] for vector in accepted}
    refused = []

    def refuse(why: str, of: str, pieces: list, **expected):
        good = b"".join(sealed_of(sizes[of], salts[of]))

        def bytes_of(piece: dict) -> bytes:
            if "hex" in piece:
                return bytes.fromhex(piece["hex"])
            if "nonce" in piece:
                padded = plaintext_of(sizes[of]).ljust(padme(sizes[of]), b"\0")
                plaintext = padded[piece["begin"] : piece["begin"] + piece["length"]]
                return seal_chunk(salts[of], bytes.fromhex(piece["nonce"]), plaintext)
            return good[piece["from"] : piece["to"]]

        offered = b"".join(bytes_of(piece) for piece in pieces)
        said = {**ids, "size": sizes[of], "salt": salts[of].hex(), **expected}
        assert offered != good or said != {**ids, "size": sizes[of], "salt": salts[of].hex()}, why
        refused.append({"why": why, "of": of, "pieces": pieces, "offeredSha256": sha256(offered), "expected": said})

    def part(begin: int, end: int) -> dict:
        return {"from": begin, "to": end}

    def raw(data: bytes) -> dict:
        return {"hex": data.hex()}

    def chunk(number: int, last: bool, begin: int, length: int) -> dict:
        return {"nonce": nonce_of(number, last).hex(), "begin": begin, "length": length}

    several, some = "several chunks", "some bytes with padding"
    whole = {name: [part(0, vector["bytes"])] for name, vector in zip(sizes, accepted)}
    end = {vector["name"]: vector["bytes"] for vector in accepted}
    small = b"".join(sealed_of(sizes[some], salts[some]))
    full = chunk_bytes + 16
    first, second, third = part(65, 65 + full), part(65 + full, 65 + 2 * full), part(65 + 2 * full, end[several])
    header = part(0, 65)

    # Truncated, at each place.
    refuse("no bytes", several, [])
    refuse("cut off in the header", several, [part(0, 64)])
    refuse("cut off after the header", several, [header])
    refuse("cut off in the first chunk", several, [part(0, 1000)])
    refuse("cut off before the first chunk's tag", several, [part(0, 65 + chunk_bytes)])
    refuse("cut off after the first chunk", several, [header, first])
    refuse("cut off in the second chunk", several, [part(0, 65 + full + 1)])
    refuse("the last chunk is missing", several, [header, first, second])
    refuse("cut off in the last chunk", several, [part(0, end[several] - 17)])
    refuse("the last byte is missing", several, [part(0, end[several] - 1)])
    refuse("an empty file without its chunk", "empty", [header])
    refuse("cut off at a chunk, and the content says that size", several, [header, first], size=chunk_bytes)
    refuse("an empty file in place of another", several, whole["empty"])

    # Put together otherwise.
    refuse("the first two chunks exchanged", several, [header, second, first, third])
    refuse("the last chunk first", several, [header, third, first, second])
    refuse("the first chunk twice", several, [header, first, first, second, third])
    refuse("the first chunk in place of the second", several, [header, first, first, third])
    refuse("the second chunk left out", several, [header, first, third])
    refuse("the last chunk twice", several, [header, first, second, third, third])
    refuse("a byte after the end", several, [*whole[several], raw(b"\0")])
    refuse("an empty last chunk after the end", several, [*whole[several], chunk(3, True, 0, 0)])
    refuse("a second file after the end", some, [*whole[some], *whole[some]])
    refuse("a byte after the end of an empty file", "empty", [*whole["empty"], raw(b"\0")])

    # Sealed with this file's key, in another form.
    refuse("the last chunk is not marked", several, [header, first, second, chunk(2, False, 2 * chunk_bytes, 20480)])
    refuse("the first chunk is marked as the last", several, [header, chunk(0, True, 0, chunk_bytes), second, third])
    refuse("only the first chunk, marked as the last", several, [header, chunk(0, True, 0, chunk_bytes)])
    refuse("an only chunk that is not marked", some, [header, chunk(0, False, 0, padme(1000))])
    refuse("the chunks begin at 1", some, [header, chunk(1, True, 0, padme(1000))])
    refuse("chunks of half the length", some, [header, chunk(0, False, 0, 512), chunk(1, True, 512, 512)])
    refuse("a longer last chunk", "one chunk", [header, chunk(0, False, 0, 65000), chunk(1, True, 65000, 536)])
    refuse("an empty chunk before the end", some, [header, chunk(0, False, 0, padme(1000)), chunk(1, True, 0, 0)])
    nonzero = plaintext_of(1000).ljust(padme(1000) - 1, b"\0") + b"\x01"
    refuse("padding that is not zeros", some, [header, raw(seal_chunk(salts[some], nonce_of(0, True), nonzero))])
    unpadded = seal_chunk(salts[some], nonce_of(0, True), plaintext_of(1000))
    refuse("without padding", some, [header, raw(unpadded)])
    marked = seal_chunk(salts[some], nonce_of(0, True), pad(plaintext_of(1000)))
    refuse("padded like an envelope", some, [header, raw(marked)])

    # Of another place, or another file.
    for name, other in [("vaultId", OTHER_VAULT), ("itemId", OTHER_ITEM), ("attachmentId", other_attachment)]:
        refuse(f"another {name}", some, whole[some], **{name: other})
    refuse("vault and item exchanged", some, whole[some], vaultId=ITEM, itemId=VAULT)
    refuse("item and attachment exchanged", some, whole[some], itemId=attachment, attachmentId=ITEM)
    other_salt = bytes_for("another file salt")
    other = b"".join(sealed_of(1000, other_salt))
    refuse("another file that was sealed for the same id: the content has another salt", some, [raw(other)])
    refuse("the file, and the content has another salt", some, whole[some], salt=other_salt.hex())
    refuse("the header of the file, and the chunk of another one", some, [header, raw(other[65:])])
    refuse("the salt of the file, and all else of another one", some, [part(0, 33), raw(other[33:])])
    refuse("the salt in the content is too short", some, whole[some], salt=salts[some][:31].hex())

    # The header, and single bits.
    for bad in (0x00, 0x02, 0x81):
        refuse(f"the version is 0x{bad:02x}", some, [raw(bytes([bad])), part(1, end[some])])
    refuse("the commitment is zeros", some, [part(0, 33), raw(bytes(32)), part(65, end[some])])
    wrong = hkdf(bytes_for("other key"), salts[some], b"limpet/v1/file", 64)[32:]
    refuse("the commitment is that of another key", some, [part(0, 33), raw(wrong), part(65, end[some])])
    of_envelope = hkdf(vault_key, salts[some], b"limpet/v1/envelope", 64)
    refuse("the commitment is that of an envelope", some, [part(0, 33), raw(of_envelope[32:]), part(65, end[some])])
    as_envelope = AESGCM(of_envelope[:32]).encrypt(
        nonce_of(0, True), plaintext_of(1000).ljust(padme(1000), b"\0"), encode_context(context_of(ids))
    )
    refuse("sealed with the key of an envelope", some, [header, raw(as_envelope)])
    for name, at in [("first byte of the salt", 1), ("commitment", 64), ("content", 65), ("padding", 1080), ("tag", end[some] - 1)]:
        refuse(
            f"a bit of the {name} is flipped", some, [part(0, at), raw(bytes([small[at] ^ 1])), part(at + 1, end[some])]
        )

    # The content says another size.
    refuse("the content says a byte less", some, whole[some], size=999)
    refuse("the content says a size with another padded length", some, whole[some], size=1025)
    refuse("the content says 0", some, whole[some], size=0)
    refuse("the content says one chunk less", several, whole[several], size=131072)
    refuse("an empty file, and the content says one byte", "empty", whole["empty"], size=1)

    return {
        "description": (
            "Section 'Files'. The plaintext of `size` bytes is the bytes 1 to 251, again and again. accepted: sealed is there "
            "for small files, its SHA-256 for all. refused: what a server offers in place of the accepted file `of`, put "
            "together from pieces: bytes `from` to `to` (exclusive) of that sealed file; bytes in hex; or `length` bytes of its "
            "padded plaintext from `begin`, sealed with its fileKey and context under `nonce`. offeredSha256 is of the whole. "
            "expected: what the item's content says, and where the file was asked for. All are refused alike."
        ),
        "vaultKey": vault_key.hex(),
        "accepted": accepted,
        "refused": refused,
    }


def content() -> dict:
    other = "5b7d9f31-2c4e-4a60-8b1d-3e5f7a9c1d02"

    def attached(**changes) -> str:
        entry = {
            "id": "5b7d9f31-2c4e-4a60-8b1d-3e5f7a9c1d01",
            "name": "Deed.pdf",
            "type": "application/pdf",
            "size": 1000,
            "salt": base64url(bytes_for("file salt")),
            **changes,
        }
        return json.dumps({name: value for name, value in entry.items() if value is not None}, separators=(",", ":"))

    return {
        "description": (
            "Section 'Item content'. accepted: texts of items, and the counter that each has. kept: an edit that sets "
            "name to 'edited' writes the member that is named with exactly these characters. refused: texts that are malformed."
        ),
        "accepted": [
            {"text": '{"kind":"note","name":"x"}', "edits": 0},
            {"text": '{"kind":"note","name":"x","edits":0}', "edits": 0},
            {"text": '{"kind":"note","name":"x","edits":1}', "edits": 1},
            {"text": '{"edits":9007199254740991,"kind":"passport","name":"x"}', "edits": 9007199254740991},
            {"text": '{"kind":"note","name":""}', "edits": 0},
            {"text": '{"kind":"","name":""}', "edits": 0},
            {"text": '{"kind":"Note","name":"x","tags":7}', "edits": 0},
            {"text": '{"kind":"passport","name":"x","password":null,"fields":"none"}', "edits": 0},
            {"text": '{"kind":"note","name":"\\ud800"}', "edits": 0},
            {"text": '{"kind":"note","name":"a\\":\\\\","notes":":\\"name\\":"}', "edits": 0},
            {"text": '{"kind":"note","name":"x","fields":[{"name":"a","value":"b","hidden":true},{"name":"a","value":"c","hidden":true}]}', "edits": 0},
            {"text": '{"kind":"note","name":"x","attachments":[]}', "edits": 0},
            {"text": '{"kind":"note","name":"x","edits":2,"attachments":[%s]}' % attached(), "edits": 2},
            {"text": '{"kind":"card","name":"x","attachments":[%s,%s]}' % (attached(), attached(id=other)), "edits": 0},
            {"text": '{"kind":"note","name":"x","attachments":[%s]}' % attached(name="", type="", size=0), "edits": 0},
            {"text": '{"kind":"note","name":"x","attachments":[%s]}' % attached(name="../etc/passwd\n"), "edits": 0},
            {"text": '{"kind":"note","name":"x","attachments":[%s]}' % attached(size=2**53 - 1), "edits": 0},
            {"text": '{"kind":"passport","name":"x","attachments":"none"}', "edits": 0},
        ],
        "kept": [
            {"text": '{"kind":"note","name":"x","n":12345678901234567890}', "member": '"n":12345678901234567890'},
            {"text": '{"kind":"note","name":"x","n":1.0}', "member": '"n":1.0'},
            {"text": '{"kind":"note","name":"x","n":1e400}', "member": '"n":1e400'},
            {"text": '{"kind":"note","name":"x","n":-0}', "member": '"n":-0'},
            {"text": '{"kind":"note","name":"x","n":0.1000}', "member": '"n":0.1000'},
            {"text": '{"kind":"passport","name":"x","n":[{"m":1E2}]}', "member": '"n":[{"m":1E2}]'},
            {"text": '{"kind":"note","name":"x","__proto__":{"a":1.0}}', "member": '"__proto__":{"a":1.0}'},
            {"text": '{"kind":"note","name":"x","notes":"a\\udc00b"}', "member": '"notes":"a\\udc00b"'},
            {"text": '{"kind":"note","name":"x","\\ud800":1}', "member": '"\\ud800":1'},
            {"text": '{"kind":"note","name":"x","":1}', "member": '"":1'},
            {"text": '{"kind":"Note","name":"x","tags":7}', "member": '"tags":7'},
            {
                "text": '{"kind":"note","name":"x","fields":[{"name":"","value":"","hidden":false}]}',
                "member": '"fields":[{"name":"","value":"","hidden":false}]',
            },
            {"text": '{"kind":"note","name":"x","constructor":1,"toString":2}', "member": '"constructor":1,"toString":2'},
            {"text": '{"kind":"note","name":"x","attachments":[%s]}' % attached(), "member": '"attachments":[%s]' % attached()},
            {"text": '{"kind":"note","name":"x","attachments":[%s]}' % attached(preview=1), "member": '"preview":1'},
            {
                "text": '{"kind":"note","name":"x","fields":[{"name":"a","value":"b","hidden":true,"__proto__":3.0}]}',
                "member": '"fields":[{"name":"a","value":"b","hidden":true,"__proto__":3.0}]',
            },
        ],
        "refused": [
            {"why": why, "text": '{"kind":"note","name":"x","edits":%s}' % edits}
            for why, edits in [
                ("a counter below 0", "-1"),
                ("a counter beyond 2^53 - 1", "9007199254740992"),
                ("a counter with a fraction", "1.5"),
                ("a counter in another spelling than digits", "1.0"),
                ("a counter with an exponent", "1e1"),
                ("a counter that is a text", '"1"'),
                ("a counter that is null", "null"),
            ]
        ]
        + [
            {"why": why, "text": text}
            for why, text in [
                ("two members of one name", '{"kind":"note","name":"x","name":"y"}'),
                ("two members of one name and value", '{"kind":"note","name":"x","name":"x"}'),
                ("two unknown members of one name", '{"kind":"note","name":"x","n":1,"n":2}'),
                ("two members of one name, spelled differently", '{"kind":"note","name":"x","n":1,"\\u006e":2}'),
                ("two members of one name, further down", '{"kind":"note","name":"x","n":[{"m":1,"m":2}]}'),
                ("two members of one name, in an unknown kind", '{"kind":"passport","name":"x","n":1,"n":2}'),
                ("two members of the name __proto__", '{"kind":"note","name":"x","__proto__":1,"__proto__":2}'),
                ("two counters", '{"kind":"note","name":"x","edits":1,"edits":2}'),
                ("a name that is absent", '{"kind":"note"}'),
                ("a name that is absent, of an unknown kind", '{"kind":"passport"}'),
                ("a name that is no text, of an unknown kind", '{"kind":"passport","name":7}'),
                ("a kind that is absent", '{"name":"x"}'),
                ("a known member of another type", '{"kind":"note","name":"x","tags":7}'),
            ]
        ]
        + [
            {"why": why, "text": '{"kind":"note","name":"x","attachments":%s}' % text}
            for why, text in [
                ("files that are no list", attached()),
                ("files that are null", "null"),
                ("a file that is no object", "[1]"),
                ("a file without an id", "[%s]" % attached(id=None)),
                ("a file without a name", "[%s]" % attached(name=None)),
                ("a file without a type", "[%s]" % attached(type=None)),
                ("a file without a size", "[%s]" % attached(size=None)),
                ("a file without a salt", "[%s]" % attached(salt=None)),
                ("an id that is no UUID", "[%s]" % attached(id="1")),
                ("an id in upper case", "[%s]" % attached(id=ITEM.upper())),
                ("two files of one id", "[%s,%s]" % (attached(), attached(name="another"))),
                ("a size below 0", "[%s]" % attached(size=-1)),
                ("a size with a fraction", "[%s]" % attached(size=1.5)),
                ("a size beyond 2^53 - 1", "[%s]" % attached(size=2**53)),
                ("a size that is a text", "[%s]" % attached(size="1")),
                ("a salt of 31 bytes", "[%s]" % attached(salt=base64url(bytes_for("file salt")[:31]))),
                ("a salt of 33 bytes", "[%s]" % attached(salt=base64url(bytes_for("file salt", 33)))),
                ("a salt that is not canonical", "[%s]" % attached(salt="A" * 42 + "B")),
                ("a name that is no text", "[%s]" % attached(name=7)),
            ]
        ],
    }


def main():
    check_logins()
    files = {
        "history": history(),
        "content": content(),
        "files": sealed_files(),
        "export": exports(),
        "credentials": credentials(),
        "opaque-registration": opaque_registrations(),
        "key-derivation": key_derivation(),
        "envelope": envelopes(),
        "padding": padding(),
        "base64url": base64urls(),
        "chain": chain(),
        "rotation": rotation(),
        "shares": shares(),
        "tokens": tokens(),
    }
    for name, vectors in files.items():
        path = Path(__file__).with_name(f"{name}.json")
        path.write_text(json.dumps(vectors, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
