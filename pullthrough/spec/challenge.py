"""``WWW-Authenticate``: what an upstream asks for. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Longest header read, in characters.
LONGEST = 8192

# RFC 9110 section 11.6.1: challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ];
# section 11.2: auth-param = token BWS "=" BWS ( token / quoted-string ).
_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAM = re.compile(rf'[\s,]*({_NAME})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_NAME}))')
_SCHEME = re.compile(rf"[\s,]*({_NAME})(?=\s|,|$)(?!\s*=)")
_TOKEN68 = re.compile(r" +[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: a scheme in lower case, and its parameters."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """All challenges of the given header lines; what is malformed ends its line."""
    found = []
    for header in headers:
        text = header[:LONGEST]
        at = 0
        while match := _SCHEME.match(text, at):
            at = match.end()
            if token68 := _TOKEN68.match(text, at):
                at = token68.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAM.match(text, at):
                at = parameter.end()
                name, quoted, plain = parameter.groups()
                value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                parameters.setdefault(name.lower(), value)
            found.append(Challenge(match[1].lower(), parameters))
    return tuple(found)
