"""Pages of a sorted list: ``?n=`` and ``?last=``, and the ``Link`` to the next."""

from collections.abc import Iterable, Sequence
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
    """One page of names in ASCII order, and whether more follow.

    :ivar warning: a sentence for a ``Warning: 299`` header, or empty.
    """

    names: tuple[str, ...]
    more: bool
    warning: str = ""


def cut(names: Iterable[str], page: Page) -> Names:
    """Sort and cut a whole list down to a page.

    With ``n=0`` the list is empty and nothing is said to follow
    (distribution-spec, "Listing Tags").
    """
    later = sorted({name for name in names if name > page.last})
    return Names(tuple(later[: page.n]), page.n > 0 and len(later) > page.n)


def merged(pages: Sequence[Names], page: Page, warnings: Sequence[str] = ()) -> Names:
    """One page out of several lists' pages, each name once.

    Every one of them begins behind the same name, so the smallest of all are among
    them.
    """
    found = cut((name for names in pages for name in names.names), page)
    more = page.n > 0 and (found.more or any(names.more for names in pages))
    told = [*(names.warning for names in pages if names.warning), *warnings]
    warning = "; ".join(told)
    return Names(found.names, more, warning)


def next_link(path: str, page: Page, names: Names) -> str | None:
    """The value of the ``Link`` header (RFC 5988), or None on the last page.

    :param path: where the list is, perhaps with parameters.
    """
    if not names.more or not names.names:
        return None
    last = quote(names.names[-1], safe="")
    mark = "&" if "?" in path else "?"
    return f'<{path}{mark}n={page.n}&last={last}>; rel="next"'
