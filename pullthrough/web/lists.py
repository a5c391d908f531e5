"""Lists of what somebody may see."""

from collections.abc import Awaitable, Callable

from pullthrough.spec.pages import Names, Page


async def shown(
    fetch: Callable[[Page], Awaitable[Names]],
    page: Page,
    visible: Callable[[str], bool],
) -> Names:
    """A page of the names that are visible; further ones are fetched to fill it.

    :param fetch: a page of all names.
    """
    found: list[str] = []
    warning = ""
    names = Names((), page.n > 0)
    asked = page
    while names.more and len(found) <= page.n:
        names = await fetch(asked)
        warning = warning or names.warning
        found += [name for name in names.names if visible(name)]
        if not names.names:
            break
        asked = Page(page.n, names.names[-1])
    more = len(found) > page.n or (names.more and bool(found))
    return Names(tuple(found[: page.n]), more and page.n > 0, warning)
