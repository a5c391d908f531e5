"""References: what comes behind ``/manifests/``, a tag or a digest."""

import re
from dataclasses import dataclass

from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText

# "<reference> as a tag MUST be at most 128 characters in length and MUST match
#  the following regular expression: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """A mutable label whose grammar has been checked.

    :raises InvalidText: when the text is no tag.
    """

    name: str

    def __post_init__(self) -> None:
        if not _TAG.fullmatch(self.name):
            raise InvalidText(
                ErrorCode.TAG_INVALID,
                "a tag has at most 128 letters, digits, '_', '.' or '-' and begins"
                " with a letter, a digit or '_'",
            )

    def __str__(self) -> str:
        return self.name


def is_tag(text: object) -> bool:
    """Whether it is the text of a tag."""
    return isinstance(text, str) and _TAG.fullmatch(text) is not None


Reference = Tag | Digest


def fallback_tag(subject: Digest) -> Tag:
    """The tag under which clients keep a list of referrers without the API.

    distribution-spec, "Referrers Tag Schema": the algorithm cut to 32 characters, a
    dash, the encoded part cut to 64.
    """
    return Tag(f"{subject.algorithm[:32]}-{subject.hex[:64]}")


def parse_reference(text: str) -> Reference:
    """Read a reference: with a colon it is a digest, else a tag.

    :raises InvalidText: when it is neither.
    """
    return Digest.parse(text) if ":" in text else Tag(text)
