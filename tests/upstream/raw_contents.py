"""Raw responses of an upstream that are decided by where their bodies end."""

from dataclasses import replace

from tests.upstream.raw_row import (
    CONTENT,
    LENGTH,
    SIZE,
    UNASKED,
    Outcome,
    Row,
    answer,
    broken,
    chunk,
    coded,
    refused,
    taken,
)

_HALF = SIZE // 2
_END = b"0\r\n\r\n"

LENGTHS: list[Row] = [
    *(
        taken(f"length {text}", answer(f"Content-Length:{text}"))
        for text in (
            *(f"{SIZE}", f" 000{SIZE}", f"\t{SIZE}\t", f" {SIZE}, {SIZE}"),
            *(f" {SIZE},{SIZE}", f" {SIZE} , {SIZE}"),
        )
    ),
    *(
        refused(f"length {text!r}", answer(f"Content-Length: {text}"), closes=True)
        for text in (
            *(
                f"+{SIZE}",
                f"-{SIZE}",
                f"0x{SIZE:x}",
                f"{SIZE}.0",
                f"{SIZE}e0",
                "many",
                "",
            ),
            *(
                f"{SIZE};x",
                f"{SIZE},",
                f",{SIZE}",
                f"{SIZE}, 1",
                f"1, {SIZE}",
                "\xb2",
                "-1",
            ),
            *(
                f"{SIZE} {SIZE}",
                f"{SIZE:_}_0",
                "9" * 20,
                "9" * 5000,
                f"{SIZE}\x0b",
                "0b1",
            ),
        )
    ),
    taken("length twice", answer(LENGTH, LENGTH)),
    refused("length twice, unlike", answer(LENGTH, "Content-Length: 1"), closes=True),
    refused("length twice, padded", answer(LENGTH, f"Content-Length: 0{SIZE}")),
    refused("length twice, once empty", answer(LENGTH, "Content-Length:")),
    broken("length, and closed at once", answer(LENGTH, body=b"")),
    broken("length, and closed half way", answer(LENGTH, body=CONTENT[:_HALF])),
    broken("length, and one byte less", answer(LENGTH, body=CONTENT[:-1])),
    broken("length of one more", answer(f"Content-Length: {SIZE + 1}")),
    broken("length of 9 EB", answer(f"Content-Length: {2**63 - 1}")),
    Row("length, then silence", answer(LENGTH, body=b""), Outcome.LATE),
    Row("half of it, then silence", answer(LENGTH, body=CONTENT[:_HALF]), Outcome.LATE),
    Row(
        "length of one less",
        answer(f"Content-Length: {SIZE - 1}"),
        Outcome.TAKEN,
        Outcome.REFUSED,
        Outcome.TAKEN,
        body=CONTENT[:-1],
    ),
    Row(
        "length 0, and a body",
        answer("Content-Length: 0"),
        Outcome.TAKEN,
        Outcome.REFUSED,
        Outcome.TAKEN,
        body=b"",
    ),
    # An end that is not marked is no success; a manifest has its digest to vouch for
    # it, when it was asked for by that.
    Row(
        "no length",
        answer(),
        Outcome.BROKEN,
        Outcome.TAKEN,
        Outcome.REFUSED,
        closes=True,
    ),
    Row(
        "no length in HTTP/1.0",
        answer(status="HTTP/1.0 200 OK"),
        Outcome.BROKEN,
        Outcome.TAKEN,
        Outcome.REFUSED,
        closes=True,
    ),
    broken("no length, and cut", answer(body=CONTENT[:_HALF])),
    broken("no length, and nothing", answer(body=b"")),
    Row("no length, and no end", answer(), Outcome.LATE),
    replace(taken("closed behind it", answer(LENGTH)), closes=True),
]

CHUNKS: list[Row] = [
    taken("chunks: one", coded(chunk() + _END)),
    taken("chunks: two", coded(chunk(CONTENT[:5]) + chunk(CONTENT[5:]) + _END)),
    taken(
        "chunks: of one byte",
        coded(b"".join(chunk(CONTENT[at : at + 1]) for at in range(SIZE)) + _END),
    ),
    taken("chunks: in capitals", coded(b"%X\r\n%b\r\n" % (SIZE, CONTENT) + _END)),
    taken("chunks: padded", coded(b"0000%x\r\n%b\r\n" % (SIZE, CONTENT) + _END)),
    taken("chunks: an extension", coded(chunk(extension=b";x=y") + _END)),
    taken("chunks: an extension at the end", coded(chunk() + b"0;x\r\n\r\n")),
    taken("chunks: a trailer", coded(chunk() + b"0\r\nX: y\r\n\r\n")),
    taken(
        "chunks: a length as trailer",
        coded(chunk() + b"0\r\nContent-Length: 5\r\n\r\n"),
    ),
    taken("chunks: a trailer of nothing known", coded(chunk() + b"0\r\nX\r\n\r\n")),
    taken("chunks: a trailer of white space", coded(chunk() + b"0\r\n \r\n\r\n")),
    taken("chunks: many zeros at the end", coded(chunk() + b"00000\r\n\r\n")),
    taken("chunks: a response behind", coded(chunk() + _END + UNASKED)),
    taken("chunks: another end behind", coded(chunk() + _END + _END)),
    *(
        broken(
            f"chunks: size {size!r}", coded(size + b"\r\n" + CONTENT + b"\r\n" + _END)
        )
        for size in (
            *(
                b"+%x" % SIZE,
                b"-%x" % SIZE,
                b"0x%x" % SIZE,
                b" %x" % SIZE,
                b"%x." % SIZE,
            ),
            *(
                b"%x_0" % SIZE,
                b"%xh" % SIZE,
                b"",
                b"g",
                b"\xb2",
                b"\t%x" % SIZE,
                b"%x," % SIZE,
            ),
            *(
                b"\x00%x" % SIZE,
                b"%x;\x00" % SIZE,
                b"%x;\n" % SIZE,
                b"%x\n" % SIZE,
                b"-1",
            ),
            *(b"%x\r" % SIZE, b"0x", b"\n%x" % SIZE, b"0" * 2000 + b"5", b"%x " % SIZE),
        )
    ),
    broken("chunks: LF behind the size", coded(b"%x\n%b\r\n" % (SIZE, CONTENT) + _END)),
    broken("chunks: LF behind the data", coded(b"%x\r\n%b\n" % (SIZE, CONTENT) + _END)),
    broken(
        "chunks: nothing behind the data", coded(b"%x\r\n%b" % (SIZE, CONTENT) + _END)
    ),
    broken(
        "chunks: one byte too many", coded(b"%x\r\n%bX\r\n" % (SIZE, CONTENT) + _END)
    ),
    replace(
        broken(
            "chunks: one byte too few",
            coded(b"%x\r\n%b\r\n" % (SIZE + 1, CONTENT) + _END),
        ),
        body=CONTENT + b"\r",
    ),
    broken("chunks: none at all", coded(b"")),
    broken("chunks: cut in the size", coded(chunk()[:1])),
    broken("chunks: cut in the data", coded(chunk()[:_HALF])),
    broken("chunks: cut behind the data", coded(chunk()[:-2])),
    broken("chunks: no last one", coded(chunk())),
    broken("chunks: the last one cut", coded(chunk() + b"0")),
    broken("chunks: the last one and no end", coded(chunk() + b"0\r\n")),
    broken("chunks: the last byte is missing", coded(chunk() + b"0\r\n\r")),
    broken("chunks: the last one with LF", coded(chunk() + b"0\n\n")),
    broken("chunks: a trailer cut", coded(chunk() + b"0\r\nX: y\r\n")),
    broken(
        "chunks: trailers without end", coded(chunk() + b"0\r\n" + b"X: y\r\n" * 12_000)
    ),
    broken("chunks: a size of 9 EB", coded(b"7fffffffffffffff\r\n" + CONTENT)),
    Row("chunks: no last one, then silence", coded(chunk()), Outcome.LATE),
    Row("chunks: no end, then silence", coded(chunk() + b"0\r\n"), Outcome.LATE),
    Row(
        "chunks: an end at once",
        coded(_END + chunk()),
        Outcome.TAKEN,
        Outcome.REFUSED,
        Outcome.TAKEN,
        body=b"",
    ),
]
