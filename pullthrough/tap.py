"""The twistd plugin: its options, and the service they make."""

import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from pullthrough.config.clients import settings_of_clients
from pullthrough.config.ini import ConfigurationError, read
from pullthrough.config.model import Settings
from pullthrough.ops.logs import LogStream, standard
from pullthrough.ops.requestnotes import WriteLines

#: A name or an address without a port.
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]*|[0-9A-Fa-f:.]+")


class Options(usage.Options):
    """``twistd pullthrough``."""

    synopsis = "[options]"
    longdesc = (
        "A container registry that hosts, proxies and groups. Runs in the foreground"
        " and logs to standard output unless twistd's own options say otherwise."
    )
    optParameters = [
        ["config", "c", None, "The configuration, an INI file."],
        ["host", None, None, "With --clients: the name by which they reach us."],
    ]
    optFlags = [
        ["check", None, "Only look for faults in the configuration."],
        ["clients", None, "Only print what clients need in their own settings."],
        ["free-ports", None, "Where a TCP port is taken, take a free one."],
    ]

    settings: Settings
    stream: LogStream | None = None

    def postOptions(self) -> None:
        """Read and check the configuration; every fault is printed, status 1."""
        if self["config"] is None:
            raise usage.UsageError("--config FILE is missing")
        if self["host"] is not None and not _HOST.fullmatch(self["host"]):
            raise usage.UsageError("--host takes a name or an address")
        try:
            self.settings = self.read()
        except ConfigurationError as error:
            for fault in error.faults:
                print(fault, file=sys.stderr)
            raise SystemExit(1) from None
        if self["check"]:
            repositories = self.settings.repositories
            connectors = sum(len(one.connectors) for one in repositories)
            connectors += len(self.settings.admin)
            print(
                f"configuration OK: {len(repositories)} repositories,"
                f" {connectors} connectors"
            )
            raise SystemExit(0)
        if self["clients"]:
            host = self["host"] or socket.getfqdn()
            print(settings_of_clients(self.settings, host), end="")
            raise SystemExit(0)
        self._stay_in_the_foreground()

    def read(self) -> Settings:
        """The configuration as it is now.

        :raises ConfigurationError: with all faults.
        """
        settings = read(Path(self["config"]).absolute(), os.environ)
        _check_users(settings)
        return settings

    def _stay_in_the_foreground(self) -> None:
        """As systemd and a shell want it; twistd alone would become a daemon."""
        parent: Any = self.parent
        if parent is None or "nodaemon" not in parent:
            return
        parent["nodaemon"] = True
        if parent["pidfile"] == "twistd.pid":
            parent["pidfile"] = ""
        if parent["logfile"] in (None, "-") and not (
            parent["logger"] or parent["syslog"]
        ):
            self.stream = standard()
            parent["logger"] = "pullthrough.ops.logs.observer"


def _check_users(settings: Settings) -> None:
    from pullthrough.access.htpasswd import HtpasswdError, parse_htpasswd

    if settings.auth.htpasswd is not None:
        try:
            parse_htpasswd(settings.auth.htpasswd.read_text("utf-8"))
        except HtpasswdError as error:
            fault = f"[auth] htpasswd: {settings.auth.htpasswd}: {error}"
            raise ConfigurationError([fault]) from None


def _access_log(stream: LogStream | None) -> WriteLines | None:
    """Takes lines for the daemon's own log; None where that is another's business."""
    if stream is None:
        return None
    return lambda lines: stream.write("access#info", lines, time.time())


def makeService(options: Options) -> IService:
    """The daemon. twistd has installed the reactor by now."""
    from twisted.internet import reactor

    from pullthrough.assembly import Assembly
    from pullthrough.errors import RegistryError
    from pullthrough.ops.daemon import Daemon
    from pullthrough.ops.descriptors import raise_limit
    from pullthrough.ops.notify import Supervisor
    from pullthrough.ops.turn import make_lean
    from pullthrough.upstream.trust import TrustError
    from pullthrough.workers.shared import Shared
    from pullthrough.workers.staff import Staff

    raise_limit()
    make_lean(reactor)
    shared = Shared.make()
    log = _access_log(options.stream)
    service: IService = Daemon(
        lambda: Assembly(options.settings, reactor, log, shared),
        options.read,
        (ConfigurationError, RegistryError, TrustError, OSError),
        reactor,
        Supervisor(os.environ),
        bool(options["free-ports"]),
        Staff(reactor, shared),
    )
    return service
