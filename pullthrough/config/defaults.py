"""What a section of the file takes from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pullthrough.config.secrets import Secret, find_secret
from pullthrough.spec.routing import RoutingRule


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a repository's section takes from elsewhere."""

    folder: Path
    environ: Mapping[str, str]
    tls_certificate: Path | None
    tls_key: Path | None
    tls_client_ca: Path | None
    rules: Mapping[str, RoutingRule] = field(default_factory=dict)

    def path(self, value: str) -> Path:
        """A path, relative to the file."""
        return self.folder / value

    def secret(self, value: str) -> Secret:
        """A secret, wherever it lies."""
        return find_secret(value, self.folder, self.environ)
