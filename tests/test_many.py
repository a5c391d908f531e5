"""Two hundred repositories with a port each: what they may cost, however fast the
machine is."""

import gc
import http.client
import os
import re
import tempfile
import tracemalloc
from pathlib import Path

from OpenSSL.SSL import Context
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from pullthrough.assembly import Assembly
from pullthrough.config.ini import parse
from pullthrough.ops.connectors import Connectors
from tests.support.pki import Authority
from tests.test_tap import TapCase

MANY = 200

#: Bytes of Python objects that a repository with its connector may take.
MOST_BYTES = 40 * 1024

#: Objects that the garbage collector looks after.
MOST_OBJECTS = 120

_HEAD = """
[pullthrough]
data = data
tls_certificate = localhost.crt
tls_key = localhost.key
[repository:first]
type = hosted
http_port = tcp:0:interface=127.0.0.1
"""

_KINDS = ("type = hosted", "type = proxy\nremote_url = https://r{number}.test")


def config(many: int, option: str) -> str:
    """A first repository, and so many more: hosted and proxies by turns."""
    parts = [_HEAD]
    for number in range(many):
        kind = _KINDS[number % 2].format(number=number)
        port = f"{option} = tcp:0:interface=127.0.0.1"
        parts.append(f"[repository:r{number}]\n{kind}\n{port}\n")
    return "".join(parts)


class ManyTests(TapCase):
    """A running daemon."""

    def test_each_answers(self) -> None:
        """All are open and ask for a password; a repository costs one descriptor and
        no thread."""
        found = []
        for many in (0, MANY):
            Authority(self.folder).issue("localhost", "127.0.0.1")
            self.config.write_text(config(many, "http_port"))
            process = self.start("--config", str(self.config))
            said = "".join(self.until(process, "user admin has the password in"))
            urls = re.findall(r"http://(\S+) serves (?:hosted|proxy) repository", said)
            self.assertEqual(len(set(urls)), many + 1)
            proc = Path(f"/proc/{process.pid}")
            descriptors = len(os.listdir(proc / "fd"))
            for where in urls:
                connection = http.client.HTTPConnection(where, timeout=60)
                connection.request("GET", "/v2/")
                self.assertEqual(connection.getresponse().status, 401)
                connection.close()
            found.append((descriptors, len(os.listdir(proc / "task"))))
            process.terminate()
            process.communicate(timeout=60)
        (few, threads), (many, more) = found
        self.assertLessEqual(many - few, MANY)
        # One at most: of a pool whose threads come as they are needed.
        self.assertLessEqual(more - threads, 1)


class CostTests(TestCase):
    """The same in this process, where it can be counted."""

    async def cost(self, many: int, option: str) -> tuple[int, int, int, int]:
        """Bytes, objects, delayed calls and TLS contexts of a whole daemon with so many
        more."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            Authority(folder).issue("localhost", "127.0.0.1")
            text = config(many, option)
            gc.collect()
            calls = len(reactor.getDelayedCalls())  # type: ignore[attr-defined]
            objects = len(gc.get_objects())
            tracemalloc.start()
            try:
                assembly = Assembly(parse(text, folder, {}), reactor)
                connectors = Connectors(reactor, free_ports=False)
                connectors.open(assembly.served)
                gc.collect()
                contexts = sum(isinstance(one, Context) for one in gc.get_objects())
                taken, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            objects = len(gc.get_objects()) - objects
            calls = len(reactor.getDelayedCalls()) - calls  # type: ignore[attr-defined]
            await connectors.close()
            await assembly.stop()
        return taken, objects, calls, contexts

    async def test_cost(self) -> None:
        """A repository and its connector take less than 40 KiB, over HTTP and HTTPS,
        and no timer; what TLS needs is shared."""
        await self.cost(2, "https_port")  # what is made once is made now
        for option, contexts in (("http_port", 0), ("https_port", 1)):
            few = await self.cost(0, option)
            many = await self.cost(MANY, option)
            more = [after - before for before, after in zip(few, many, strict=True)]
            self.assertLess(more[0] / MANY, MOST_BYTES, option)
            self.assertLess(more[1] / MANY, MOST_OBJECTS, option)
            self.assertEqual(more[2:], [0, contexts], option)
