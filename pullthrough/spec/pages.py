"""Pages of a sorted list: ``?n=`` and ``?last=``, and the ``Link`` to the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

#: The largest page given out, whatever ``n`` asks for (reliability R2).
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """A wish for ``n`` names that sort behind ``last`` (empty: from the start)."""

    n: int = LARGEST_PAGE
    last: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """One page of names in ASCII order, and whether more follow."""

    names: tuple[str, ...]
    more: bool


def cut(names: Iterable[str], page: Page) -> Names:
    """Sort and cut a whole list down to a page.

    With ``n=0`` the list is empty and nothing is said to follow
    (distribution-spec, "Listing Tags").
    """
    later = sorted({name for name in names if name > page.last})
    return Names(tuple(later[: page.n]), page.n > 0 and len(later) > page.n)


def next_link(path: str, page: Page, names: Names) -> str | None:
    """The value of the ``Link`` header (RFC 5988), or None on the last page.

    :param path: where the list is, perhaps with parameters.
    """
    if not names.more or not names.names:
        return None
    last = quote(names.names[-1], safe="")
    mark = "&" if "?" in path else "?"
    return f'<{path}{mark}n={page.n}&last={last}>; rel="next"'
