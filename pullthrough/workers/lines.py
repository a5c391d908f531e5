"""Lines of the access log on their way: written down for a worker, and read again."""

import json
from dataclasses import astuple

from pullthrough.accessline import AccessLine


def written(line: AccessLine) -> str:
    """A line as text; workers do not look into it."""
    return json.dumps(astuple(line))


def read(text: str) -> AccessLine:
    """The line that was written so."""
    return AccessLine(*json.loads(text))
