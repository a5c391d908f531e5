"""Lists in pages: the link to an upstream's next one, and our own."""

from urllib.parse import parse_qsl, urlsplit

from pullthrough.spec.links import LONGEST, next_page
from pullthrough.spec.pages import LARGEST_PAGE, Names, Page, cut, merged, next_link
from pullthrough.spec.routes import parse_page, parse_query
from tests.fuzz.feed import Feed, Target, latin

_PATH = "/v2/a/referrers/sha256:x?n=1"
_TARGETS = ("/v2/b/tags/list?n=1,2&last=;x", "?last=%20", "https://h.test/p/v2/c?d")
_READ = ("/v2/b/tags/list?n=1,2&last=;x", f"{_PATH[:-4]}?last=%20", "/v2/c?d")
_PARAMS = ('rel="prev"', 'title="a, <b>; rel=next"', "x", 'y="\\""', "rel=last", "z=1")
_NEXT = ('rel="next"', "rel=next", "rel='next'", 'REL = "prev NEXT"')
_BLANKS = ("; ", ";", " ;\t")


def nexts(data: bytes) -> None:
    """The first link whose relation is ``next`` is followed, whatever stands before,
    between and behind it."""
    feed = Feed(data)
    links, expected = [], None
    for _ in range(1 + feed.below(3)):
        index = feed.below(len(_TARGETS))
        params = [feed.pick(_PARAMS) for _ in range(feed.below(3))]
        is_next = bool(feed.below(2))
        if is_next:
            params.insert(feed.below(1 + len(params)), feed.pick(_NEXT))
        relations = [one for one in params if one.lower().startswith("rel")]
        if is_next and relations[0] in _NEXT and expected is None:
            expected = _READ[index]
        written = [f"<{_TARGETS[index]}>", *params]
        links.append(feed.pick(_BLANKS).join(written))
    header = feed.pick((", ", ",", " ,,\t")).join(links)
    assert next_page(header, _PATH) == expected, header


def links(data: bytes) -> None:
    """Wherever a link leads, it is a path of a registry that can stand in a request."""
    header = latin(data)
    found = next_page(header, _PATH)
    if found is None:
        return
    assert found.startswith("/v2/")
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found
    assert "next" in header[:LONGEST].lower()
    assert "#" not in found


def pages(data: bytes) -> None:
    """Who follows our links sees each name once, in order, whatever the size of pages;
    and no page is larger than asked."""
    feed = Feed(data)
    n = 1 + feed.below(5)
    ours = [latin(feed.take()) for _ in range(feed.below(8))]
    theirs = [latin(feed.take()) for _ in range(feed.below(8))]
    wanted = sorted({*ours, *theirs} - {""})
    page = Page(n)
    seen: list[str] = []
    for _ in range(len(wanted) + 1):
        names = merged([cut(ours, page), cut(theirs, page)], page)
        assert names == cut([*ours, *theirs], page)
        assert len(names.names) <= n
        seen += names.names
        link = next_link("/v2/_catalog?ns=x", page, names)
        if link is None:
            break
        following = next_page(link, "/v2/_catalog")
        assert following is not None, link
        parameters = parse_query(urlsplit(following).query)
        assert parameters["ns"] == ["x"]
        page = parse_page(parameters)
        assert page == Page(n, names.names[-1])
    assert seen == wanted
    assert cut(ours, Page(0)) == Names((), False)


def cursors(data: bytes) -> None:
    """``n`` is the number that it says, up to the largest page; ``last`` is as sent."""
    query = latin(data)
    try:
        parameters = parse_query(query)
        page = parse_page(parameters)
    except ValueError:
        return
    told = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    assert page.last == told.get("last", "")
    digits = told.get("n", "") or str(LARGEST_PAGE)
    assert set(digits) <= set("0123456789"), digits
    expected = LARGEST_PAGE if len(digits.lstrip("0")) > 9 else int(digits[-12:])
    assert page.n == min(expected, LARGEST_PAGE), digits


TARGETS = (
    Target(nexts, (b"", b"\x00\x00\x00\x01\x00", b"\x01\x02\x01\x01\x01\x00\x01\x01")),
    Target(
        links,
        (
            b'</v2/a/tags/list?n=1&last=b>; rel="next"',
            b'<https://h/v2/x?y>; rel="prev", <?z=1>; rel=next',
            b"<http://[::1/v2/>; rel=next",
            b"</v2/\xe4>; rel=next",
            b'</v2/a b>; rel="next"',
            b"</v2/a#/v2/>; rel=next",
            b"<../../x/v2/../y>; rel='next'",
            b'</v2/x>; title="\\"; rel=next',
        ),
        (b"<", b">; ", b'rel="next"', b", ", b"/v2/", b"://", b"[", b"\r\n", b"title="),
    ),
    Target(
        pages,
        (
            b"\x00\x03\x01a\x02bb\x01c\x02\x01a\x01d",
            b"\x02\x05\x01>\x01&\x01=\x02\xff\x00\x01%\x01\x01 ",
        ),
    ),
    Target(
        cursors,
        (
            b"n=10&last=a%2Fb",
            b"n=0",
            b"n=99999999999",
            b"n=00000000000000000005",
            b"n=-1",
            b"n=1&n=2&last=x&last=y",
            b"n=\xb2",
            b"n=%D9%A3",
            b"&" * 101,
            b"a=1;n=2",
        ),
        (b"n=", b"&last=", b"%", b"00000000", b"+"),
    ),
)
