"""Digests: the name of content, ``algorithm:hex``."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from pullthrough.spec.errorcodes import ErrorCode, InvalidText

#: Registered algorithms and the length of their hex form.
#: OCI image-spec, descriptor.md, "Registered algorithms".
ALGORITHMS = {"sha256": 64, "sha512": 128}

# "encoded ::= [a-zA-Z0-9=_-]+"; for the registered algorithms "the encoded
# portion MUST match /[a-f0-9]{64}/" (or {128}).
_LOWER_HEX = re.compile(r"[a-f0-9]+")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest whose grammar has been checked; build it by :meth:`parse`."""

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        length = ALGORITHMS.get(self.algorithm)
        if length is None:
            raise InvalidText(
                ErrorCode.DIGEST_INVALID,
                f"digest algorithm must be one of {', '.join(ALGORITHMS)}",
            )
        if len(self.hex) != length or not _LOWER_HEX.fullmatch(self.hex):
            raise InvalidText(
                ErrorCode.DIGEST_INVALID,
                f"a {self.algorithm} digest has {length} lower-case hex digits",
            )

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read ``algorithm:hex``.

        :raises InvalidText: when the text is no digest.
        """
        algorithm, colon, encoded = text.partition(":")
        if not colon:
            raise InvalidText(
                ErrorCode.DIGEST_INVALID, "a digest is written algorithm:hex"
            )
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> "Digest":
        """The digest of ``content``."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def hasher(algorithm: str) -> Any:
    """A fresh hash object for a registered algorithm.

    :raises InvalidText: when the algorithm is not registered.
    """
    if algorithm not in ALGORITHMS:
        raise InvalidText(
            ErrorCode.DIGEST_INVALID,
            f"digest algorithm must be one of {', '.join(ALGORITHMS)}",
        )
    return hashlib.new(algorithm)
