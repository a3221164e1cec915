"""Damage to files: from a flipped bit to what is made on purpose to break a reader."""

import gzip
import io
import random
import re
import struct
import zipfile
import zlib

NUMBERS = [
    *("nan inf -inf 1e999 -1e999 1e39 1e308 -0 0 -1 00 1_000 0x10 1e 1. .5 +3".split()),
    *("4294967296 2147483648 9223372036854775808 1e-400 1e400".split()),
    *("4\x1c 4\x85 \u00b2 \uff14 \u0664 \u00bd 1,5 1e5e5".split(" ")),
    "9" * 400,
    "9" * 5000,
]
TOKENS = [
    *"\"|'|\t|,|;|:|\n|\r|\r\n|\x00|\x1a|\x1c|\x85|\ufeff|\u2028|e\u0301".split("|"),
    *"* ** # @ @data @classLabel O B- I- -DOCSTART- LOCUS ORIGIN // > . + -".split(),
    *"[ ] { } [[ ]] null NaN true \\ud800 \\u0000 \\".split(" "),
    *("/dev/zero ../../etc/passwd . .. /".split()),
    '"' * 3,
    "[" * 3000,
    '{"a":' * 3000,
    "(" * 3000,
    "a" * 140_000,
    "a," * 3000,
    "\n" * 3000,
    "<a>" * 3000,
    '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]>',
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
]
BYTES = [
    b"\xff",
    b"\xfe\xff",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\xf4\x90\x80\x80",
    b"\x1f\x8b",
]
EXTREMES = [0, 1, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 8]


def damaged(rng: random.Random, raw: bytes, others: list[bytes]) -> bytes:
    """A file after one to four damages; inside of what is packed, half of the time."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        if rng.random() < 0.5 and (inside := _inside(rng, raw, others)):
            raw = inside
        else:
            raw = rng.choice(DAMAGES)(rng, raw, others)
        raw = raw[:2_000_000]
    return raw


def _inside(rng: random.Random, raw: bytes, others: list[bytes]) -> bytes | None:
    """The same damage to what is packed, with sums that are right again."""
    if raw[:2] == b"\x1f\x8b":
        try:
            return gzip.compress(damaged(rng, gzip.decompress(raw), others), 1)
        except (OSError, EOFError, zlib.error):
            return None
    if raw[:2] == b"PK":
        return _in_zip(rng, raw, others)
    return _in_png(rng, raw) if raw[:4] == b"\x89PNG" else None


def _in_zip(rng, raw, others):
    content, chosen = io.BytesIO(), rng.random()
    try:
        with (
            zipfile.ZipFile(io.BytesIO(raw)) as old,
            zipfile.ZipFile(content, "w", 8) as new,
        ):
            names = old.namelist()
            for i, name in enumerate(names):
                member = old.read(name)
                if i == int(chosen * len(names)):
                    member = damaged(rng, member, others)
                new.writestr(name, member)
    except Exception:  # of what was damaged before
        return None
    return content.getvalue()


def _in_png(rng, raw):
    """Damages a chunk of a PNG, and puts its checksum right."""
    chunks, place = [], 8
    while place + 12 <= len(raw):
        (size,) = struct.unpack(">I", raw[place : place + 4])
        chunks.append(raw[place + 4 : place + 8 + size])
        place += 12 + size
    if not chunks:
        return None
    i = rng.randrange(len(chunks))
    kind, body = chunks[i][:4], chunks[i][4:]
    chunks[i] = kind + rng.choice((_flip, _extreme, _cut))(rng, body, [])
    packed = (
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c))
        for c in chunks
    )
    return raw[:8] + b"".join(packed)


def _place(rng, raw):
    return rng.randint(0, len(raw))


def _flip(rng, raw, others):
    flipped = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 8)) if raw else 0):
        flipped[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _extreme(rng, raw, others):
    """A size or a count becomes an extreme one."""
    width = rng.choice((1, 2, 4, 4, 8))
    value = rng.choice(EXTREMES) % 2 ** (8 * width)
    at = _place(rng, raw[: rng.choice((64, len(raw)))])
    return (
        raw[:at]
        + value.to_bytes(width, rng.choice(("little", "big")))
        + raw[at + width :]
    )


def _cut(rng, raw, others):
    return raw[: _place(rng, raw)]


def _leave_out(rng, raw, others):
    a, b = sorted((_place(rng, raw), _place(rng, raw)))
    return raw[:a] + raw[b:]


def _repeat(rng, raw, others):
    a, b = sorted((_place(rng, raw), _place(rng, raw)))
    return raw[:b] + raw[a:b] * rng.choice((1, 2, 50)) + raw[b:]


def _splice(rng, raw, others):
    other = rng.choice(others) if others else b""
    return raw[: _place(rng, raw)] + other[_place(rng, other) :]


def _token(rng, raw, others):
    token = rng.choice(TOKENS).encode() if rng.random() < 0.8 else rng.choice(BYTES)
    at = _place(rng, raw)
    return raw[:at] + token + raw[at + rng.choice((0, len(token))) :]


def _number(rng, raw, others):
    """A number of a text becomes an odd one."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", raw[:100_000]))
    if not found:
        return _token(rng, raw, others)
    place = rng.choice(found)
    return raw[: place.start()] + rng.choice(NUMBERS).encode() + raw[place.end() :]


def _lines(rng, raw, others):
    """Lines in another order, with other columns, or with another separator."""
    lines = raw.split(b"\n")
    what = rng.randrange(4)
    if what == 0:
        rng.shuffle(lines)
    elif what == 1:
        lines[rng.randrange(len(lines))] = rng.choice(lines) * rng.choice((1, 2, 400))
    elif what == 2:
        i, mark = rng.randrange(len(lines)), rng.choice((b"\t", b",", b" ", b":", b'"'))
        lines[i] = mark.join([*lines[i].split(mark), b""][:: rng.choice((1, -1))])
    else:
        return raw.replace(*rng.sample((b"\n", b",", b"\t", b" ", b"\r\n"), 2))
    return b"\n".join(lines)


def _grammar(rng, raw, others):
    """A text of odd words and separators."""
    words = [*NUMBERS, *TOKENS, "a", "the", "O", "1", "5", "text", "stars", "value"]
    words = [word for word in words if len(word) < 500]
    marks = rng.choices((" ", "\t", ",", "\n", ":", ""), k=3)
    count = rng.choice((0, 3, 30, 300))
    text = "".join(rng.choice(words) + rng.choice(marks) for _ in range(count))
    return raw[: rng.choice((0, 0, _place(rng, raw)))] + text.encode()


def _noise(rng, raw, others):
    return raw[: rng.choice((0, 4, 44))] + rng.randbytes(
        rng.choice((0, 1, 7, 64, 4000))
    )


DAMAGES = (
    *(_flip, _flip, _extreme, _extreme, _cut, _leave_out, _repeat, _splice),
    *(_token, _token, _number, _number, _lines, _grammar, _noise),
)
