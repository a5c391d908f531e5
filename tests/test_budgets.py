"""What everything together may use, by the configuration."""

import tempfile
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pullthrough.assembly import Assembly
from pullthrough.budgets import Budgets
from pullthrough.config.ini import parse
from pullthrough.config.model import Settings

_TEXT = """
[pullthrough]
connections = {connections}
transfers_per_client = 3
transfers_per_user = 5
uploads_per_image = 7
trusted_proxies = 10.0.0.1
[repository:own]
type = hosted
http_port = 1
"""


def settings(folder: Path, connections: int = 1_000_000) -> Settings:
    """A configuration with limits."""
    return parse(_TEXT.format(connections=connections), folder, {})


class BudgetTests(SynchronousTestCase):
    """Limits, and how it stands with them."""

    def test_limits(self) -> None:
        """As configured, but for connections at most 70 % of the descriptors."""
        budgets = Budgets(reactor)
        budgets.limit(settings(Path("/nowhere")))
        files, _ = getrlimit(RLIMIT_NOFILE)
        self.assertEqual(budgets.crowd._most, int(files * 0.7))
        budgets.limit(settings(Path("/nowhere"), 16))
        self.assertEqual(budgets.crowd._most, 16)
        transfers = budgets.transfers
        self.assertEqual((transfers._clients.most, transfers._users.most), (3, 5))
        self.assertIn("10.0.0.1", transfers.exempt)
        self.assertEqual(budgets.sessions.most, 7)

    def test_loads(self) -> None:
        """Each stands there once."""
        names = [load.name for load in Budgets(reactor).loads()]
        self.assertEqual(len(set(names)), len(names))
        expected = {"connections", "transfers", "uploads", "disk", "passwords"}
        self.assertLessEqual(expected, set(names))


class ReloadTests(TestCase):
    """From one configuration to the next."""

    async def test_one_count(self) -> None:
        """The same counts serve the sites of both; the limits are those of the last."""
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        folder = Path(made.name)
        assembly = Assembly(
            parse("[repository:own]\ntype = hosted\n", folder, {}), reactor
        )
        self.addCleanup(assembly.stop)
        transfers = assembly._budgets.transfers
        self.assertEqual(transfers._clients.most, 64)
        candidate = await assembly.prepare(settings(folder))
        await assembly.take(candidate)
        self.assertIs(assembly._budgets.transfers, transfers)
        self.assertEqual(transfers._clients.most, 3)
