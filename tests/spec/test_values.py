"""The small values: digests, names, references, descriptors, pages, scopes."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec import mediatypes
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest, hasher
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, cut, next_link
from pullthrough.spec.reference import Tag, fallback_tag, parse_reference
from pullthrough.spec.tokens import Access, covers, parse_scopes

HEX = "a" * 64


class DigestTests(SynchronousTestCase):
    """What is a digest, and what is not."""

    def test_parse_and_text_are_inverse(self) -> None:
        """A digest reads back as it was written, for both algorithms."""
        for text in (f"sha256:{HEX}", f"sha512:{HEX}{HEX}"):
            self.assertEqual(str(Digest.parse(text)), text)

    def test_refused_texts(self) -> None:
        """Anything but a registered algorithm with its hex is refused."""
        for text in (
            "",
            "sha256",
            HEX,
            "sha256:",
            f"md5:{HEX[:32]}",
            f"sha256:{HEX[1:]}",
            f"sha256:{HEX}a",
            f"sha256:{HEX.upper()}",
            f"sha256:{HEX[1:]}\n",
            f"sha256:../{HEX[3:]}",
            f"SHA256:{HEX}",
            f"sha512:{HEX}",
        ):
            with self.assertRaises(InvalidText) as caught:
                Digest.parse(text)
            self.assertEqual(caught.exception.code, ErrorCode.DIGEST_INVALID, text)

    def test_of_content(self) -> None:
        """The digest of content is that of hashlib."""
        self.assertEqual(Digest.of(b"x").hex, hashlib.sha256(b"x").hexdigest())
        self.assertEqual(
            Digest.of(b"x", "sha512").hex, hashlib.sha512(b"x").hexdigest()
        )

    def test_hasher_of_registered_algorithms_only(self) -> None:
        """A hash object comes for registered algorithms only."""
        self.assertEqual(hasher("sha512").digest_size, 64)
        self.assertRaises(InvalidText, hasher, "md5")


class NameTests(SynchronousTestCase):
    """The grammar of image names, tags and references."""

    def test_names_taken(self) -> None:
        """Names of the specification's grammar are taken as they are."""
        for text in ("a", "a/b", "a.b_c__d-e---f/g0", "library/alpine", "a" * 255):
            self.assertEqual(str(ImageName(text)), text)

    def test_names_refused(self) -> None:
        """Anything else is refused with NAME_INVALID."""
        for text in (
            "",
            "A",
            "a//b",
            "/a",
            "a/",
            "a..b",
            "a___b",
            "-a",
            "a-",
            "a_.b",
            "a/../b",
            "ä",
            "a b",
            "a\n",
            "a" * 256,
        ):
            with self.assertRaises(InvalidText) as caught:
                ImageName(text)
            self.assertEqual(caught.exception.code, ErrorCode.NAME_INVALID, text)

    def test_one_part(self) -> None:
        """A name without a slash has one part."""
        self.assertTrue(ImageName("alpine").one_part)
        self.assertFalse(ImageName("library/alpine").one_part)

    def test_tags(self) -> None:
        """A tag has 1 to 128 characters and begins with a word character."""
        for text in ("latest", "7.5.1804", "_x", "A" * 128):
            self.assertEqual(str(Tag(text)), text)
        for text in ("", ".x", "-x", "a" * 129, "a/b", "a\n", "ü"):
            self.assertRaises(InvalidText, Tag, text)

    def test_reference(self) -> None:
        """With a colon it is a digest, else a tag."""
        self.assertEqual(parse_reference("latest"), Tag("latest"))
        self.assertEqual(parse_reference(f"sha256:{HEX}"), Digest("sha256", HEX))
        self.assertRaises(InvalidText, parse_reference, "sha256:x")

    def test_fallback_tag(self) -> None:
        """The tag schema of referrers; a long digest is cut."""
        self.assertEqual(fallback_tag(Digest("sha256", HEX)).name, f"sha256-{HEX}")
        long = Digest("sha512", HEX + HEX)
        self.assertEqual(fallback_tag(long).name, f"sha512-{HEX}")

    def test_descriptor_has_no_negative_size(self) -> None:
        """A size is not negative."""
        self.assertRaises(ValueError, Descriptor, "a/b", Digest("sha256", HEX), -1)

    def test_essence(self) -> None:
        """Parameters and case of a media type do not count."""
        self.assertEqual(mediatypes.essence("Text/Plain; charset=x"), "text/plain")


class PageTests(SynchronousTestCase):
    """Pages of a list."""

    @given(st.sets(st.text("abAB", max_size=3)), st.integers(1, 5))
    def test_pages_together_are_the_list(self, names: set[str], n: int) -> None:
        """Following the last name of each page gives every name once, sorted."""
        seen: list[str] = []
        page = Page(n)
        while True:
            found = cut(names, page)
            seen.extend(found.names)
            if not found.more:
                break
            page = Page(n, found.names[-1])
        self.assertEqual(seen, sorted(name for name in names if name))

    def test_an_empty_page_has_no_next(self) -> None:
        """``n=0`` is an empty list without a Link."""
        self.assertEqual(cut(["a"], Page(0)), Names((), False))

    def test_link(self) -> None:
        """The Link leads behind the last name; the last page has none."""
        names = Names(("a", "b+c"), True)
        self.assertEqual(
            next_link("/v2/x/tags/list", Page(2), names),
            '</v2/x/tags/list?n=2&last=b%2Bc>; rel="next"',
        )
        self.assertIsNone(next_link("/", Page(2), Names(("a",), False)))
        self.assertIsNone(next_link("/", Page(2), Names((), True)))


class ScopeTests(SynchronousTestCase):
    """Token scopes."""

    def test_scopes_are_read(self) -> None:
        """Several parameters, several scopes in one, names with ports."""
        read = parse_scopes(
            ["repository:a/b:pull,push registry:catalog:*", "repository:h:5/x:pull"]
        )
        self.assertEqual(
            [str(access) for access in read],
            ["repository:a/b:pull,push", "registry:catalog:*", "repository:h:5/x:pull"],
        )

    def test_what_is_no_scope_is_passed_over(self) -> None:
        """Broken scopes are not an error."""
        texts = ["", "x", "a:b", ":a:pull", "repository::pull", "repository:a:", ","]
        self.assertEqual(parse_scopes(texts), ())

    def test_long_texts(self) -> None:
        """Half a scope is none: it would be about another image, or another action."""
        start = "repository:a:pull " * 227  # 4086 characters
        (known,) = parse_scopes(["repository:a:pull"])
        for more, count in (
            ("x:y:z", 228),
            ("x:y:pull,z", 228),
            ("x:y:pull,zz", 227),
            ("x:y:pull,z x:y:z", 228),
            ("x:y:pull,z, x:y:z", 227),
            ("a:b:c d:e f:g:h", 228),
            ("a:b:cd:e  f:g:h", 228),
        ):
            found = parse_scopes([start + more])
            self.assertEqual(len(found), count, more)
            self.assertEqual(found[226], known)

    def test_covers(self) -> None:
        """An action is covered by itself or by a star, for that name only."""
        held = [
            Access("repository", "a", frozenset({"pull"})),
            Access("repository", "b", frozenset({"*"})),
        ]
        self.assertTrue(covers(held, "repository", "a", "pull"))
        self.assertFalse(covers(held, "repository", "a", "push"))
        self.assertTrue(covers(held, "repository", "b", "push"))
        self.assertFalse(covers(held, "registry", "b", "push"))
        self.assertFalse(covers(held, "repository", "c", "pull"))
