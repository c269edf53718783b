"""Ed25519 signatures (RFC 8032, section 5.1), so that a test can mint tokens that the server must
refuse. Slow, and of no use where a secret has to stay one."""

import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)


def _x_of(y):
    """The even root."""
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    return PRIME - x if x & 1 else x


_Y = 4 * pow(5, -1, PRIME) % PRIME
BASE = (_x_of(_Y), _Y)


def _sum(first, second):
    (a, b), (c, d) = first, second
    twist = CURVE * a * b * c * d % PRIME
    return ((a * d + b * c) * pow(1 + twist, -1, PRIME) % PRIME,
            (b * d + a * c) * pow(1 - twist, -1, PRIME) % PRIME)


def _times(scalar, point):
    total = (0, 1)
    while scalar:
        if scalar & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        scalar >>= 1
    return total


def _encode(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _hash(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def sign(seed, message):
    """The signature under the key that grows from 32 bytes of seed."""
    digest = hashlib.sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
    public = _encode(_times(secret, BASE))
    nonce = _hash(digest[32:], message) % ORDER
    point = _encode(_times(nonce, BASE))
    proof = (nonce + _hash(point, public, message) % ORDER * secret) % ORDER
    return point + proof.to_bytes(32, "little")
