"""Sorts the attributes in requests that spawn: the official client keeps them in a hash table, whose
order means nothing. Everything else stays byte for byte.

usage: canon.py <REQUESTS >SORTED
"""

import sys


def skip(b: bytes, at: int) -> int:
    """The end of the value that begins at a place."""
    head = b[at]
    if head < 0x80 or head >= 0xE0 or head in (0xC0, 0xC2, 0xC3):
        return at + 1
    if 0xA0 <= head < 0xC0:
        return at + 1 + (head & 0x1F)
    if 0x90 <= head < 0xA0:
        return skip_items(b, at + 1, head & 0x0F)
    sizes = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
    if head in sizes:
        return at + 1 + sizes[head]
    lengths = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
    if head in lengths:
        n = lengths[head]
        return at + 1 + n + int.from_bytes(b[at + 1 : at + 1 + n], "big")
    n = {0xDC: 2, 0xDD: 4}[head]
    return skip_items(b, at + 1 + n, int.from_bytes(b[at + 1 : at + 1 + n], "big"))


def skip_items(b: bytes, at: int, n: int) -> int:
    for _ in range(n):
        at = skip(b, at)
    return at


def canonical(line: str) -> str:
    b = bytes.fromhex(line.replace("..", ""))
    at = skip(b, 2)  # the method's name
    if not b[2:at].endswith((b"spawn_actor", b"spawn_actor_with_parent")):
        return line
    at = skip(b, at + 1) + 1  # the parameters' head, the metadata, the description's head
    at = skip(b, skip(b, at))  # uid and id
    n = b[at] & 0x0F
    ends = [at + 1]
    for _ in range(n):
        ends.append(skip(b, ends[-1]))
    items = sorted(b[ends[i] : ends[i + 1]] for i in range(n))
    return (b[: at + 1] + b"".join(items) + b[ends[-1] :]).hex()


for text in sys.stdin:
    print(canonical(text.strip()))
