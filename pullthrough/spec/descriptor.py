"""Descriptors: what a piece of content is, without the content."""

from dataclasses import dataclass

from pullthrough.spec.digest import Digest


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Media type, digest and size (bytes). OCI image-spec, descriptor.md."""

    media_type: str
    digest: Digest
    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("a size is not negative")


@dataclass(frozen=True, slots=True)
class ForeignLayer:
    """A layer that a registry need not have.

    :ivar urls: where it is to be had.
    """

    descriptor: Descriptor
    urls: tuple[str, ...]
