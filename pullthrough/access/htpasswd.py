"""htpasswd files with bcrypt entries, as ``htpasswd -B`` writes them."""

import re

import bcrypt

# crypt(5): "$2[abxy]$" cost "$" 22 characters of salt and 31 of hash; "cost" is 04 to
# 31. A salt has 128 bits: of the last character four are not used, and must be zero.
_BCRYPT = re.compile(
    r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$"
    r"[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)

#: bcrypt takes no more of a password, in bytes; longer ones never match.
LONGEST_PASSWORD = 72


class HtpasswdError(ValueError):
    """A line that cannot be used; says which, and nothing of what is in it."""


def parse_htpasswd(text: str) -> dict[str, bytes]:
    """The hashes by user name.

    :raises HtpasswdError: when a line is no ``name:bcrypt-hash``.
    """
    users: dict[str, bytes] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, hashed = line.partition(":")
        if not colon or not name:
            raise HtpasswdError(f"line {number} is not NAME:HASH")
        if not _BCRYPT.fullmatch(hashed.strip()):
            raise HtpasswdError(f"line {number}: only bcrypt is taken (htpasswd -B)")
        if name in users:
            raise HtpasswdError(f"line {number} names a user again")
        users[name] = hashed.strip().encode("ascii")
    return users


def entry(name: str, password: str, cost: int = 10) -> str:
    """A line for a user."""
    hashed = bcrypt.hashpw(password.encode("utf-8"), bcrypt.gensalt(cost))
    return f"{name}:{hashed.decode('ascii')}\n"


def verify(password: str, hashed: bytes) -> bool:
    """Whether a password fits a hash. Takes long, as it is meant to."""
    secret = password.encode("utf-8", "surrogatepass")
    if len(secret) > LONGEST_PASSWORD or b"\0" in secret:
        return False
    return bcrypt.checkpw(secret, hashed)
