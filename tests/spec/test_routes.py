"""What paths and queries mean."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec import routes, v1
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Page
from pullthrough.spec.reference import Tag

HEX = "a" * 64
DIGEST = Digest("sha256", HEX)
A = ImageName("a")
UUID = "0123456789abcdef0123456789abcdef"


class RouteTests(SynchronousTestCase):
    """parse_route."""

    def test_every_endpoint(self) -> None:
        """Each path of the specification has its route."""
        deep = ImageName("a/blobs/b/manifests/c")
        for path, expected in (
            ("/v2", routes.Base()),
            ("/v2/", routes.Base()),
            ("/v2/token", routes.Token()),
            ("/v2/_catalog", routes.Catalog()),
            ("/v2/a/manifests/v1", routes.ManifestRoute(A, Tag("v1"))),
            (f"/v2/a/manifests/sha256:{HEX}", routes.ManifestRoute(A, DIGEST)),
            (f"/v2/a/blobs/sha256:{HEX}", routes.BlobRoute(A, DIGEST)),
            ("/v2/a/blobs/uploads/", routes.UploadsRoute(A)),
            ("/v2/a/blobs/uploads", routes.UploadsRoute(A)),
            (f"/v2/a/blobs/uploads/{UUID}", routes.UploadRoute(A, UUID)),
            ("/v2/a/tags/list", routes.TagsRoute(A)),
            (f"/v2/a/referrers/sha256:{HEX}", routes.ReferrersRoute(A, DIGEST)),
            (f"/v2/{deep}/tags/list", routes.TagsRoute(deep)),
            (f"/v2/{deep}/manifests/v1", routes.ManifestRoute(deep, Tag("v1"))),
            (f"/v2/{deep}/blobs/uploads/", routes.UploadsRoute(deep)),
            (
                "/v2/a/blobs/blobs/uploads/",
                routes.UploadsRoute(ImageName("a/blobs")),
            ),
            ("/v2/token/tags/list", routes.TagsRoute(ImageName("token"))),
        ):
            self.assertEqual(routes.parse_route(path), expected, path)

    def test_no_route(self) -> None:
        """What means nothing has no route."""
        for path in (
            "/",
            "/v1/_ping",
            "/v2/a",
            "/v2/a/tags/other",
            "/v2/a/manifests/",
            "/v2/a/blobs/",
            "/v2/a/other/x",
            "/v2x/",
        ):
            self.assertIsNone(routes.parse_route(path), path)

    def test_malformed(self) -> None:
        """A malformed name, digest, tag or session is told by its code."""
        for path, code in (
            ("/v2/A/tags/list", ErrorCode.NAME_INVALID),
            ("/v2/a/manifests/.x", ErrorCode.TAG_INVALID),
            ("/v2/a/manifests/sha256:x", ErrorCode.DIGEST_INVALID),
            ("/v2/a/blobs/x", ErrorCode.DIGEST_INVALID),
            ("/v2/a/blobs/uploads/..", ErrorCode.BLOB_UPLOAD_UNKNOWN),
            ("/v2/a/blobs/uploads/UPPER", ErrorCode.BLOB_UPLOAD_UNKNOWN),
        ):
            with self.assertRaises(InvalidText) as caught:
                routes.parse_route(path)
            self.assertEqual(caught.exception.code, code, path)

    def test_every_route_knows_its_methods(self) -> None:
        """No route is without methods."""
        self.assertEqual(
            {kind.__name__ for kind in routes.METHODS},
            {
                "Base",
                "Token",
                "Catalog",
                "ManifestRoute",
                "BlobRoute",
                "UploadsRoute",
                "UploadRoute",
                "TagsRoute",
                "ReferrersRoute",
            },
        )


class QueryTests(SynchronousTestCase):
    """parse_query and parse_page."""

    def test_parameters(self) -> None:
        """Repeated parameters keep their order; blank ones are there."""
        self.assertEqual(
            routes.parse_query("scope=a&scope=b%3Ac&x="),
            {"scope": ["a", "b:c"], "x": [""]},
        )

    def test_too_many(self) -> None:
        """A query is bounded."""
        self.assertRaises(InvalidText, routes.parse_query, "&".join(["a=b"] * 101))

    def test_pages(self) -> None:
        """n and last; what is too large is cut; nonsense is refused."""
        for query, expected in (
            ("", Page(1000, "")),
            ("n=5&last=x", Page(5, "x")),
            ("n=0", Page(0, "")),
            ("n=100000", Page(1000, "")),
            ("n=99999999999999999999999", Page(1000, "")),
            ("n=00000000000000000000005", Page(5, "")),
        ):
            self.assertEqual(routes.parse_page(routes.parse_query(query)), expected)
        for query in ("n=-1", "n=x", "n=1.5"):
            parameters = routes.parse_query(query)
            self.assertRaises(InvalidText, routes.parse_page, parameters)


class V1Tests(SynchronousTestCase):
    """Docker's V1 API."""

    def test_paths(self) -> None:
        """Those that a client still asks for."""
        for path, expected in (
            ("/v1/_ping", v1.Ping()),
            ("/v1/users/", v1.Users()),
            ("/v1/users", v1.Users()),
            ("/v1/search", v1.Search()),
            ("/v1/repositories/a/b/tags", v1.Tags(ImageName("a/b"))),
            ("/v1/repositories/a/images/", v1.Images(A)),
            ("/v1/images/x/layer", None),
        ):
            self.assertEqual(v1.parse_v1(path), expected, path)
        self.assertRaises(InvalidText, v1.parse_v1, "/v1/repositories/A/tags")

    def test_how_many(self) -> None:
        """25 as a rule, never none, never more than 100."""
        texts = ("", "x", "0", "7", "1000", "9" * 50, "0" * 50 + "7")
        self.assertEqual([v1.wanted(n) for n in texts], [25, 25, 1, 7, 100, 100, 7])
