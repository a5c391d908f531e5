"""``Warning: 299``: an answer that is not what it should be. Pure.

See distribution-spec, "Warnings".
"""

import re

# distribution-spec: warn-code 299, warn-agent "-", warn-text, no warn-date.
_WARNING = re.compile(r'299 \S{1,255} "((?:[^"\\]|\\.){0,4096})".*')
_QUOTED = re.compile(r"\\(.)")


def parse_warning(value: str) -> str:
    """The text of a header's value; empty when it is no such warning."""
    match = _WARNING.fullmatch(value.strip())
    return _QUOTED.sub(r"\1", match[1]) if match else ""
