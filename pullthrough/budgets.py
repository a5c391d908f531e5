"""What everything together may use at once; survives a reload."""

from collections.abc import MutableSequence, Sequence
from resource import RLIMIT_NOFILE, getrlimit
from typing import Any

from pullthrough.allowance import Allowance
from pullthrough.config.model import Settings
from pullthrough.repository.sessions import PER_IMAGE, Owner
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.threads import Threads
from pullthrough.values import Load
from pullthrough.web.crowd import Crowd
from pullthrough.web.transfers import Transfers

#: Threads for files; for password hashes, few, so that guessing is slow.
DISK_THREADS = 8
PASSWORD_THREADS = 2

#: One alone reads large manifests, for the memory that one takes (100 MiB).
PARSING_THREADS = 1

#: The part of all file descriptors that clients' connections may take.
CONNECTION_SHARE = 0.7


class Budgets:
    """The pools, and the counts of what clients have.

    :param counts: of the connections of all processes; None: there is one.
    :ivar sessions: open upload sessions.
    :ivar parsing: where large manifests are read.
    """

    def __init__(
        self, reactor: Any, counts: MutableSequence[int] | None = None
    ) -> None:
        self.disk = Threads(reactor, "disk", DISK_THREADS)
        self.writing = Threads(reactor, "metadata writer", 1, ordered=True)
        self.reading = Threads(reactor, "metadata reader", 1, ordered=True)
        self.passwords = Threads(reactor, "passwords", PASSWORD_THREADS)
        self.parsing = Threads(reactor, "parsing", PARSING_THREADS)
        self.crowd = Crowd(counts=counts)
        self.transfers = Transfers(reactor)
        self.sessions: Allowance[Owner] = Allowance(
            PER_IMAGE, reactor, "uploads of one user to one image"
        )

    @property
    def _pools(self) -> dict[str, Threads]:
        return {
            "disk": self.disk,
            "metadata writer": self.writing,
            "metadata reader": self.reading,
            "passwords": self.passwords,
            "parsing": self.parsing,
        }

    def start(self) -> None:
        """The reactor runs: work in threads from now on."""
        for threads in self._pools.values():
            threads.start()

    def stop(self) -> None:
        """Finish what was given to the threads. Blocks."""
        for threads in self._pools.values():
            threads.stop()

    def limit(self, settings: Settings) -> None:
        """The limits of this configuration from now on."""
        files, _ = getrlimit(RLIMIT_NOFILE)
        proxies = TrustedProxies(settings.trusted_proxies)
        self.crowd.limit(
            min(settings.connections, int(files * CONNECTION_SHARE)),
            settings.connections_per_address,
            proxies,
        )
        self.transfers.limit(
            settings.transfers_per_client, settings.transfers_per_user, proxies
        )
        self.sessions.most = settings.uploads_per_image

    def loads(self) -> Sequence[Load]:
        """How it stands with each of them."""
        crowd, transfers, sessions = self.crowd, self.transfers, self.sessions
        return [
            Load("connections", crowd.count, 0, crowd.refused),
            *(
                Load(name, one.count, one.waiting, one.refused, one.oldest)
                for name, one in (("transfers", transfers), ("uploads", sessions))
            ),
            *(
                Load(name, turns.used, turns.waiting, turns.refused, turns.oldest)
                for name, turns in (
                    ("large answers", transfers.large.out),
                    ("large manifests", transfers.large.into),
                )
            ),
            *(
                Load(name, one.running, one.waiting, one.refused, one.oldest)
                for name, one in self._pools.items()
            ),
        ]
