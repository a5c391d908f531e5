"""Names and passwords: Basic headers and htpasswd files."""

import base64
from typing import NoReturn

import bcrypt

from pullthrough.access.htpasswd import HtpasswdError, parse_htpasswd, verify
from pullthrough.errors import Unauthenticated
from pullthrough.upstream.credentials import basic as our_own
from pullthrough.values import Identity
from pullthrough.web.guard import basic
from tests.fuzz.feed import Feed, Target, latin, text


class _Told:
    """Takes a name and a password, as an authenticator does."""

    def __init__(self) -> None:
        self.pair: tuple[str, str] | None = None

    async def password(self, username: str, password: str, address: str) -> Identity:
        """Remember them."""
        self.pair = (username, password)
        return Identity(username)


def _read(header: str) -> tuple[str, str] | None:
    """The name and password of a header; None when it is refused."""
    told = _Told()
    asking = basic(header, told, "192.0.2.1")  # type: ignore[arg-type]
    try:
        asking.send(None)
    except StopIteration:
        return told.pair
    except Unauthenticated as error:
        assert told.pair is None
        assert "Basic" in error.detail or "log in" in error.detail
        return None
    _never()
    return None


def _never() -> NoReturn:
    raise AssertionError("it waits for something")


def basics(data: bytes) -> None:
    """Any name without a colon and any password arrive as they were sent; of other
    headers only those are taken that are base64 of UTF-8 with a colon."""
    feed = Feed(data)
    name = feed.take().decode("utf-8", "replace").replace(":", "")
    password = feed.take().decode("utf-8", "replace")
    assert _read(our_own(name, password)) == (name, password)
    header = latin(feed.rest())
    found = _read(header)
    if found is None:
        return
    scheme, blank, rest = header[:8192].partition(" ")
    assert (scheme.lower(), blank) == ("basic", " ")
    pair = ":".join(found).encode()
    # The last bits of base64 may say nothing.
    plain = rest.strip().rstrip("=")
    assert base64.b64encode(pair).decode().rstrip("=")[:-1] == plain[:-1]
    assert ":" not in found[0]


def htpasswds(data: bytes) -> None:
    """Each user of a file that is taken stands at the beginning of a line of it, and
    any password can be compared with the hash."""
    feed = Feed(data)
    password, content = text(feed.take()), text(feed.rest())
    try:
        users = parse_htpasswd(content)
    except HtpasswdError as error:
        assert "$2" not in str(error), "a hash is told"
        return
    lines = [line.rstrip("\r") for line in content.split("\n")]
    entries = [line for line in lines if line.strip() and not line.startswith("#")]
    assert len(entries) == len(users)
    for (name, hashed), entry in zip(users.items(), entries, strict=True):
        assert entry.startswith(f"{name}:")
        assert hashed.decode("ascii") == entry.removeprefix(f"{name}:").strip()
        assert name
        assert ":" not in name
        # A cheap one with the same salt: a file may ask for hours.
        cheap = hashed[:4] + b"04" + hashed[6:]
        assert 4 <= int(hashed[4:6]) <= 31
        verify(password, cheap)
    secret = password.encode("utf-8", "surrogatepass")
    if users and b"\0" not in secret and len(secret) <= 72:
        salt = cheap[:29]
        assert verify(password, bcrypt.hashpw(secret, salt))


_HASH = b"$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe"

TARGETS = (
    Target(
        basics,
        (
            b"\x02me\x02pwBasic bWU6cHc=",
            b"\x00\x00basic Og==",
            b"\x01:\x02\xc3\xa4Basic bWU6\xe4",
            b"\x01\x00\x01\x0aBasic  bWU6cHc= ",
            b"\x01a\x03b:cBasic bWU6cHd",
            b"\x00\x00Basic bWVwdw==",
            b"\x00\x00Bearer abc",
            b"\x00\x00Basic /////w==",
        ),
        (b"Basic ", b"==", b"Og", b"bWU6"),
    ),
    Target(
        htpasswds,
        (
            b"\x01xme:" + _HASH + b"\n",
            b"\x02pw# users\r\nme:" + _HASH + b"\r\n\r\nyou:" + _HASH,
            b"\x00me:" + _HASH.replace(b"O5", b"P5") + b"\n",
            b"\x00me:" + _HASH.replace(b"$05", b"$99") + b"\n",
            b"\x00# x\xc2\x85root:" + _HASH + b"\n",
            b"\x00me:$apr1$x$y\n",
            b"\x00:" + _HASH,
            b"\x00me:" + _HASH + b"\nme:" + _HASH,
            b"\x01\x00me:" + _HASH + b" \n \n",
        ),
        (b"\n", b"\r\n", b":" + _HASH, b"#", b"\xe2\x80\xa8", b"\x0c", b"$2b$12$"),
    ),
)
