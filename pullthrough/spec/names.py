"""Image names: the ``<name>`` of the distribution specification."""

import re
from dataclasses import dataclass

from pullthrough.spec.errorcodes import ErrorCode, InvalidText

#: Longest name taken, in characters: many clients limit host and name together
#: to 255 (distribution-spec, "Pulling manifests").
LONGEST_NAME = 255

# "<name> MUST match the following regular expression:
#  [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")


@dataclass(frozen=True, slots=True, order=True)
class ImageName:
    """An image name whose grammar has been checked.

    :raises InvalidText: when the text is no name.
    """

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST_NAME:
            raise InvalidText(
                ErrorCode.NAME_INVALID,
                f"an image name has at most {LONGEST_NAME} characters",
            )
        if not _NAME.fullmatch(self.text):
            raise InvalidText(
                ErrorCode.NAME_INVALID,
                "an image name has lower-case letters and digits, parted by"
                " '.', '_', '__', '-' or '/'",
            )

    @property
    def one_part(self) -> bool:
        """Whether the name has no namespace, as ``alpine`` has none."""
        return "/" not in self.text

    def __str__(self) -> str:
        return self.text
