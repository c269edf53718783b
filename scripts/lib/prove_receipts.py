"""Arrival receipts, checked with nothing but the shop's public key.

A receipt says: this command stands at this place of the log. Its leaf leads by its path (RFC 6962)
to the root of the acknowledgement batch, and the root is signed (Ed25519, RFC 8032).
"""

import base64
import hashlib
import uuid

from prove_rules import microseconds

# Ed25519 (RFC 8032): the field, the group's order, the curve's constant, a square root of -1.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)  # X, Y, Z, T: x = X/Z, y = Y/Z, xy = T/Z
WINDOW = 4


def add(a, b):
    left = (a[1] - a[0]) * (b[1] - b[0]) % P
    right = (a[1] + a[0]) * (b[1] + b[0]) % P
    t, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = right - left, z - t, z + t, right + left
    return e * f % P, g * h % P, f * g % P, e * h % P


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point(data):
    """The point that 32 bytes stand for; ValueError where they stand for none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        raise ValueError("no point")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise ValueError("no point")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


class Multiples:
    """A point times any number, quick because its multiples are kept."""

    def __init__(self, base):
        self._rows = []
        for _ in range(0, 256, WINDOW):
            row = [NEUTRAL]
            for _ in range(2**WINDOW - 1):
                row.append(add(row[-1], base))
            self._rows.append(row)
            base = add(row[-1], base)

    def times(self, number):
        total = NEUTRAL
        for row in self._rows:
            total = add(total, row[number & 2**WINDOW - 1])
            number >>= WINDOW
        return total


GENERATOR = Multiples(point(bytes([0x58] + 31 * [0x66])))


class PublicKey:
    def __init__(self, data):
        self._data = data
        self._multiples = Multiples(point(data))

    def verify(self, text, signature):
        if len(signature) != 64:
            return False
        try:
            nonce = point(signature[:32])
        except ValueError:
            return False
        scalar = int.from_bytes(signature[32:], "little")
        if scalar >= Q:
            return False
        hashed = hashlib.sha512(signature[:32] + self._data + text).digest()
        challenge = int.from_bytes(hashed, "little") % Q
        return same(GENERATOR.times(scalar), add(nonce, self._multiples.times(challenge)))


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def leaf_hash(receipt):
    drop = receipt.get("drop")
    data = (b"dropline receipt 1\0" + uuid.UUID(receipt["order_id"]).bytes +
            (b"\1" + uuid.UUID(drop).bytes if drop else b"\0") +
            receipt["partition"].to_bytes(4, "big") +
            receipt.get("offset", -1).to_bytes(8, "big", signed=True) +
            bytes.fromhex(receipt["command_hash"]) +
            (microseconds(receipt["time"]) // 1000).to_bytes(8, "big", signed=True))
    return hashlib.sha256(b"\0" + data).digest()


def root_of(leaf, index, size, path):
    """RFC 9162, 2.1.3.2: where a leaf's path leads; None where it has the wrong length."""
    last = size - 1
    for step in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            leaf = hashlib.sha256(b"\1" + step + leaf).digest()
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            leaf = hashlib.sha256(b"\1" + leaf + step).digest()
        index >>= 1
        last >>= 1
    return leaf if last == 0 else None


class Receipts:
    """Checks receipts; each root's signature once."""

    def __init__(self, key):
        self._key = PublicKey(key)
        self._roots = {}

    @property
    def roots(self):
        return len(self._roots)

    def wrong(self, receipt):
        """What is wrong with it; None where nothing is."""
        try:
            path = [bytes.fromhex(step) for step in receipt["path"]]
            index, size = receipt["leaf"], receipt["leaves"]
            if not 0 <= index < size:
                return "its leaf is outside its tree"
            root = bytes.fromhex(receipt["root"])
            if root_of(leaf_hash(receipt), index, size, path) != root:
                return "its path does not lead to its root"
            seal = (root, receipt["signature"])
            if seal not in self._roots:
                self._roots[seal] = self._key.verify(b"dropline receipts 1\0" + root,
                                                     from_base64url(receipt["signature"]))
            return None if self._roots[seal] else "its root is not signed by the shop"
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            return f"it cannot be read: {error!r}"
