"""``Link``: where the next page of an upstream's list is. Pure."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from pullthrough.spec.origins import is_visible

#: Longest header read, in characters.
LONGEST = 8192

# RFC 8288 section 3: link-value = "<" URI-Reference ">" *( OWS ";" OWS link-param ),
# link-param = token BWS [ "=" BWS ( token / quoted-string ) ].
_TARGET = re.compile(r"[\s,]*<([^<>]*)>")
_PARAM = re.compile(
    r"\s*;\s*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)"
    r'(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?)?'
)


def next_page(header: str, path: str) -> str | None:
    """The path of the next page, below ``/v2/``; None at the end.

    :param header: the value of ``Link``; what is malformed ends it.
    :param path: of this page. A link leads to the same registry, whatever host it
        names.
    """
    for target, relation in _links(header[:LONGEST]):
        # RFC 8288 section 3.3: "relation-type *( 1*SP relation-type )", in any case.
        if "next" in relation.lower().split():
            return _within(path, target)
    return None


def _links(header: str) -> Iterator[tuple[str, str]]:
    """Targets with their relations."""
    at = 0
    while link := _TARGET.match(header, at):
        at = link.end()
        relations = []
        while param := _PARAM.match(header, at):
            at = param.end()
            name, quoted, plain = param.groups()
            if (name or "").lower() == "rel":
                # Harbor writes the relation in single quotes.
                relations.append(quoted or (plain or "").strip("'"))
        # "occurrences after the first MUST be ignored by parsers".
        yield link[1], relations[0] if relations else ""


def _within(path: str, target: str) -> str | None:
    try:
        parts = urlsplit(urljoin(path, target))
    except ValueError:
        return None
    # A registry below a path (``https://HOST/PATH/v2/…``) names that path as well.
    _, found, rest = parts.path.partition("/v2/")
    following = f"/v2/{rest}?{parts.query}"
    return following if found and is_visible(following) else None
