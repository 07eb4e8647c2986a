"""OPAQUE as docs/protocol.md has it (RFC 9807, over RFC 9496 and RFC 9497), for generate.py.

The client's side, and of the server's what a registration needs. It is slow and takes no care of side channels: for vectors
and for nothing else. Names are those of the RFCs.
"""

import hashlib
import hmac

from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw

assert ARGON2_VERSION == 0x13

# ristretto255 (RFC 9496), over edwards25519.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578
assert SQRT_AD_MINUS_ONE**2 % P == (-D - 1) % P
assert INVSQRT_A_MINUS_D**2 * (-1 - D) % P == 1

BASE_Y = 4 * pow(5, -1, P) % P
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)
NEUTRAL = (0, 1, 1, 0)


def is_negative(number: int) -> bool:
    return number % P % 2 == 1


def absolute(number: int) -> int:
    return -number % P if is_negative(number) else number % P


def sqrt_ratio(u: int, v: int) -> tuple[bool, int]:
    """Section 4.2 of RFC 9496."""
    root = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    check = v * root * root % P
    if check in (-u % P, -u * SQRT_M1 % P):
        root = root * SQRT_M1 % P
    return check in (u % P, -u % P), absolute(root)


def add(one, other):
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point):
    result = NEUTRAL
    for bit in bin(scalar % ORDER)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def decode(data: bytes):
    s = int.from_bytes(data, "little")
    assert len(data) == 32 and s < P and not is_negative(s)
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    is_square, inverse = sqrt_ratio(1, v * u2 * u2 % P)
    x_part = inverse * u2 % P
    x = absolute(2 * s * x_part)
    y = u1 * inverse * x_part * v % P
    t = x * y % P
    assert is_square and not is_negative(t) and y != 0
    return x, y, 1, t


def encode(point) -> bytes:
    x0, y0, z0, t0 = point
    u1, u2 = (z0 + y0) * (z0 - y0) % P, x0 * y0 % P
    _, inverse = sqrt_ratio(1, u1 * u2 * u2 % P)
    d1, d2 = inverse * u1 % P, inverse * u2 % P
    z_inverse = d1 * d2 * t0 % P
    if is_negative(t0 * z_inverse):
        x, y, part = y0 * SQRT_M1 % P, x0 * SQRT_M1 % P, d1 * INVSQRT_A_MINUS_D % P
    else:
        x, y, part = x0, y0, d2
    if is_negative(x * z_inverse):
        y = -y % P
    return absolute(part * (z0 - y)).to_bytes(32, "little")


def map_to_point(t: int):
    r = SQRT_M1 * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio(u, v)
    if not was_square:
        s = -absolute(s * t) % P
    c = -1 if was_square else r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def one_way_map(data: bytes):
    halves = [int.from_bytes(half, "little") % 2**255 for half in (data[:32], data[32:])]
    return add(map_to_point(halves[0]), map_to_point(halves[1]))


# The OPRF (RFC 9497), with ristretto255-SHA512 and without verification.

SUITE = b"OPRFV1-\x00-ristretto255-SHA512"


def sized(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def expand_message(message: bytes, dst: bytes) -> bytes:
    """expand_message_xmd of RFC 9380 with SHA-512, for 64 bytes: one block."""
    dst += bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + message + (64).to_bytes(2, "big") + b"\x00" + dst).digest()
    return hashlib.sha512(first + b"\x01" + dst).digest()


def hash_to_group(message: bytes):
    return one_way_map(expand_message(message, b"HashToGroup-" + SUITE))


def derive_private_key(seed: bytes, info: bytes) -> int:
    for counter in range(256):
        message = seed + sized(info) + bytes([counter])
        key = int.from_bytes(expand_message(message, b"DeriveKeyPair" + SUITE), "little") % ORDER
        if key != 0:
            return key
    raise AssertionError("no key in 256 attempts")


def finalize(password: bytes, blind: int, evaluated: bytes) -> bytes:
    unblinded = encode(multiply(pow(blind, -1, ORDER), decode(evaluated)))
    return hashlib.sha512(sized(password) + sized(unblinded) + b"Finalize").digest()


# OPAQUE (RFC 9807).


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha512).digest()


def extract(keying_material: bytes) -> bytes:
    return mac(b"", keying_material)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    blocks = [b""]
    while len(blocks) * 64 < length + 64:
        blocks.append(mac(key, blocks[-1] + info + bytes([len(blocks)])))
    return b"".join(blocks)[:length]


def expand_label(secret: bytes, label: bytes, context: bytes) -> bytes:
    name = b"OPAQUE-" + label
    return expand(
        secret, (64).to_bytes(2, "big") + bytes([len(name)]) + name + bytes([len(context)]) + context, 64
    )


def stretch(oprf_output: bytes, kdf: dict) -> bytes:
    return hash_secret_raw(
        secret=oprf_output,
        salt=bytes(16),
        time_cost=kdf["iterations"],
        memory_cost=kdf["memoryKiB"],
        parallelism=kdf["parallelism"],
        hash_len=64,
        type=Type.ID,
        version=0x13,
    )


def blinded(password: bytes, blind: int) -> bytes:
    return encode(multiply(blind, hash_to_group(password)))


def public_key(private_key: int) -> bytes:
    return encode(multiply(private_key, BASE))


def evaluate(oprf_seed: bytes, credential_identifier: bytes, request: bytes) -> bytes:
    """The server's part of the OPRF, section 6.3.1.2."""
    seed = expand(oprf_seed, credential_identifier + b"OprfKey", 32)
    return encode(multiply(derive_private_key(seed, b"OPAQUE-DeriveKeyPair"), decode(request)))


def randomized_password(password: bytes, blind: int, evaluated: bytes, kdf: dict) -> bytes:
    oprf_output = finalize(password, blind, evaluated)
    return extract(oprf_output + stretch(oprf_output, kdf))


def envelope(randomized: bytes, nonce: bytes, server_public_key: bytes) -> tuple[int, bytes, bytes, bytes]:
    """Private key, public key, auth_tag and export_key of an envelope, section 4.1; the identities are the public keys."""
    seed = expand(randomized, nonce + b"PrivateKey", 32)
    private = derive_private_key(seed, b"OPAQUE-DeriveDiffieHellmanKeyPair")
    own = public_key(private)
    cleartext = server_public_key + sized(server_public_key) + sized(own)
    tag = mac(expand(randomized, nonce + b"AuthKey", 64), nonce + cleartext)
    return private, own, tag, expand(randomized, nonce + b"ExportKey", 64)


def finish_registration(password: bytes, blind: int, response: bytes, nonce: bytes, kdf: dict) -> tuple[bytes, bytes]:
    """The record and the export key."""
    randomized = randomized_password(password, blind, response[:32], kdf)
    _, own, tag, export_key = envelope(randomized, nonce, response[32:])
    return own + expand(randomized, b"MaskingKey", 64) + nonce + tag, export_key


def start_login(password: bytes, blind: int, client_secret: int, client_nonce: bytes) -> bytes:
    """KE1."""
    return blinded(password, blind) + client_nonce + public_key(client_secret)


def finish_login(password: bytes, blind: int, client_secret: int, ke1: bytes, ke2: bytes, kdf: dict):
    """KE3 and the export key, or None for a wrong password and a wrong server."""
    randomized = randomized_password(password, blind, ke2[:32], kdf)
    pad = expand(expand(randomized, b"MaskingKey", 64), ke2[32:64] + b"CredentialResponsePad", 128)
    unmasked = bytes(a ^ b for a, b in zip(ke2[64:192], pad, strict=True))
    server_public_key, nonce, tag = unmasked[:32], unmasked[32:64], unmasked[64:]
    private, own, own_tag, export_key = envelope(randomized, nonce, server_public_key)
    if own_tag != tag:
        return None
    server_keyshare, server_mac = ke2[224:256], ke2[256:]
    secrets = [(client_secret, server_keyshare), (client_secret, server_public_key), (private, server_keyshare)]
    shared = b"".join(encode(multiply(scalar, decode(point))) for scalar, point in secrets)
    # The context is empty.
    preamble = b"OPAQUEv1-" + sized(b"") + sized(own) + ke1 + sized(server_public_key) + ke2[:256]
    transcript = hashlib.sha512(preamble).digest()
    handshake = expand_label(extract(shared), b"HandshakeSecret", transcript)
    if mac(expand_label(handshake, b"ServerMAC", b""), transcript) != server_mac:
        return None
    both = hashlib.sha512(preamble + server_mac).digest()
    return mac(expand_label(handshake, b"ClientMAC", b""), both), export_key
