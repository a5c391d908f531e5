"""What we have reasons not to use, and the table of limits that says so."""

import ast
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]

#: Names, and modules with all that is in them.
NOT_USED = {
    "twisted.names": "CVE-2026-42304: it decompresses for ever",
    "twisted.web.client.RedirectAgent": "it takes credentials along, and any target",
    "twisted.web.client.BrowserLikeRedirectAgent": "the same",
    "twisted.web.client.readBody": "it has no limit",
    "twisted.web.util.redirectTo": "CVE-2024-41810",
    "treq": "it unpacks, and waits for ever",
    "pickle": "it runs what it reads",
    "xml": "it expands what it reads",
}


def imported(path: Path) -> set[str]:
    """The full names of what a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


class NotUsedTests(SynchronousTestCase):
    """Imports."""

    def test_nowhere(self) -> None:
        """None of it is imported by the package."""
        for path in (ROOT / "pullthrough").rglob("*.py"):
            for name in imported(path):
                for banned, why in NOT_USED.items():
                    self.assertFalse(
                        f"{name}.".startswith(f"{banned}."), f"{path} {why}"
                    )

    def test_it_would_be_seen(self) -> None:
        """The names are as they would be imported."""
        import twisted.web.client
        import twisted.web.util

        for name in NOT_USED:
            module, _, last = name.rpartition(".")
            if module.startswith("twisted.web"):
                found = {"twisted.web.client": twisted.web.client}
                found["twisted.web.util"] = twisted.web.util
                self.assertTrue(hasattr(found[module], last), name)


class TableTests(SynchronousTestCase):
    """docs/limits.md."""

    def test_what_it_names(self) -> None:
        """Each test that it names is there, and each option is one."""
        text = (ROOT / "docs" / "limits.md").read_text("utf-8")
        named = set(re.findall(r"tests/[a-z0-9_/]+\.py", text))
        self.assertGreater(len(named), 20)
        for name in named:
            self.assertTrue((ROOT / name).is_file(), name)
        shipped = (ROOT / "etc" / "registry.ini").read_text("utf-8")
        options = set(re.findall(r"`([a-z]+_per_[a-z]+|connections)`: ", text))
        self.assertEqual(len(options), 5)
        for option in options:
            self.assertIn(f"{option} = ", shipped)
