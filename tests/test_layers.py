"""The layers: a row imports only rows above it, and not its neighbours."""

import ast
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

PACKAGE = Path(__file__).parents[1] / "pullthrough"

#: What the parts say to each other.
NEUTRAL = frozenset(
    {
        "errors",
        "interfaces",
        "values",
        "threads",
        "waiters",
        "accessline",
        "audit",
        "allowance",
        "changes",
        "fairness",
        "turns",
    }
)

#: Which of our own parts each part may import.
MAY: dict[str, frozenset[str]] = {
    "spec": frozenset({"spec"}),
    **{name: NEUTRAL | {"spec"} for name in NEUTRAL},
    "config": frozenset({"config", "spec", "errors"}),
    **{
        name: NEUTRAL | {"spec", name}
        for name in ("storage", "metadata", "upstream", "access", "repository")
    },
    **{name: NEUTRAL | {"spec", name} for name in ("web", "ops")},
    "workers": NEUTRAL | {"spec", "web", "ops", "workers"},
}

#: These may import everything.
TOP = ("__init__", "assembly", "graph", "upstreams", "budgets", "tap", "watch")

#: Which foreign packages each part may import besides the standard library.
DRIVERS: dict[str, frozenset[str]] = {
    "spec": frozenset(),
    "config": frozenset(),
    "storage": frozenset({"twisted", "zope"}),
    "metadata": frozenset({"twisted", "zope", "apsw"}),
    "upstream": frozenset({"twisted", "zope", "OpenSSL", "service_identity"}),
    "access": frozenset({"twisted", "zope", "bcrypt"}),
    "repository": frozenset({"twisted", "zope"}),
    "web": frozenset({"twisted", "zope"}),
    "ops": frozenset({"twisted", "zope", "OpenSSL", "prometheus_client"}),
    "workers": frozenset({"twisted", "zope"}),
    **{name: frozenset({"twisted", "zope"}) for name in NEUTRAL},
}


def imports(path: Path) -> set[str]:
    """The names of the modules that a file imports, in full."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


class LayerTests(SynchronousTestCase):
    """The table of docs/architecture.md."""

    def files(self) -> list[tuple[str, Path]]:
        """Every file with the part that it belongs to; those that may all are out."""
        found = []
        for path in sorted(PACKAGE.rglob("*.py")):
            part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
            if part not in TOP:
                found.append((part, path))
        return found

    def test_every_import(self) -> None:
        """It is of a row above, or a driver of the part's own."""
        for part, path in self.files():
            for name in imports(path):
                top, _, rest = name.partition(".")
                if top == "pullthrough":
                    self.assertIn(rest.split(".")[0], MAY[part], f"{path}: {name}")
                elif top not in sys.stdlib_module_names:
                    self.assertIn(top, DRIVERS[part], f"{path}: {name}")

    def test_the_global_reactor(self) -> None:
        """tap.py alone touches it, and what runs a worker."""
        users = [
            path.name
            for path in PACKAGE.rglob("*.py")
            if "twisted.internet.reactor" in imports(path)
        ]
        self.assertEqual(sorted(users), ["__main__.py", "tap.py"])

    def test_sizes(self) -> None:
        """No file has more than 400 lines."""
        for _, path in self.files():
            lines = len(path.read_text("utf-8").splitlines())
            self.assertLessEqual(lines, 400, str(path))
