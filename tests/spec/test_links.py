"""Where the next page of an upstream's list is."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.links import next_page

PATH = "/v2/a/tags/list?n=1"


class NextPageTests(SynchronousTestCase):
    """next_page."""

    def test_relations(self) -> None:
        """Of several links the one to the next page, however it is written."""
        for header in (
            '</v2/x?y>; rel="next"',
            "</v2/x?y>;rel=next",
            "</v2/x?y> ; REL = 'Next'",
            '</v2/x?y>; title="a, <b>; \\"c"; rel="last next"',
            '</v2/w>; rel="previous", </v2/x?y>; rel="next"',
            '</v2/w>; title="rel=next",, </v2/x?y>; x; rel=next, </v2/z>; rel=next',
            '</v2/w>; rel=last; rel=next, </v2/x?y>; rel="next"',
        ):
            self.assertEqual(next_page(header, PATH), "/v2/x?y", header)

    def test_the_end(self) -> None:
        """No link, another relation, or what is malformed before it."""
        for header in (
            "",
            "nonsense",
            "</v2/x>",
            "</v2/x>; rel=prev",
            "</v2/x>; title=next",
            '</v2/x>; rel="next',
            "x, </v2/x>; rel=next",
            "</v2/x; rel=next",
        ):
            self.assertIsNone(next_page(header, PATH), header)

    def test_the_path(self) -> None:
        """Relative or absolute, below a path; always of the same registry."""
        for target, expected in (
            ("?n=2", "/v2/a/tags/list?n=2"),
            ("https://evil.test/v2/x?y", "/v2/x?y"),
            ("https://hub.test/base/v2/x?y#z", "/v2/x?y"),
            ("https://hub.test/login", None),
        ):
            self.assertEqual(next_page(f"<{target}>; rel=next", PATH), expected)

    def test_what_can_be_no_request(self) -> None:
        """A broken address, blanks, what is not ASCII: there is no more."""
        for target in ("http://[::1/v2/", "http://[x]/v2/", "/v2/a b", "/v2/\xe4"):
            self.assertIsNone(next_page(f"<{target}>; rel=next", PATH), target)
