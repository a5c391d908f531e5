"""twistd, with a table of names in place of a resolver: a script.

named.py NAME=ADDRESS,... pullthrough --config FILE
"""

import sys
from typing import Any

from twisted.internet import reactor
from twisted.scripts.twistd import run

from tests.support.personalities.hosts import NamedReactor

if __name__ == "__main__":
    table = dict(pair.split("=") for pair in sys.argv.pop(1).split(","))
    real: Any = reactor
    real.installNameResolver(NamedReactor(table).nameResolver)
    run()
