"""What a client is told of an error."""

import json

from twisted.trial.unittest import SynchronousTestCase

from pullthrough import errors
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.web.failures import tell


class FailureTests(SynchronousTestCase):
    """The one table."""

    def test_every_error(self) -> None:
        """Each has its status and its code."""
        unknown = ErrorCode.BLOB_UNKNOWN
        for error, status, code in (
            (errors.Miss(unknown, "x"), 404, "BLOB_UNKNOWN"),
            (errors.Refused(ErrorCode.DENIED, "x"), 403, "DENIED"),
            (errors.Refused(ErrorCode.UNSUPPORTED, "x"), 405, "UNSUPPORTED"),
            (errors.Unauthenticated("x"), 401, "UNAUTHORIZED"),
            (errors.Invalid(ErrorCode.NAME_INVALID, "x"), 400, "NAME_INVALID"),
            (errors.OutOfOrder(5), 416, "BLOB_UPLOAD_INVALID"),
            (errors.TooLarge("x"), 413, "SIZE_INVALID"),
            (errors.UpstreamOutage("x"), 502, "UNKNOWN"),
            (errors.EgressOutage("x"), 502, "UNKNOWN"),
            (errors.UpstreamTimeout("x"), 504, "UNKNOWN"),
            (errors.UpstreamLimited("x", 90.0), 429, "TOOMANYREQUESTS"),
            (errors.StorageOutage("x"), 503, "UNKNOWN"),
            (errors.Overload("x"), 503, "UNKNOWN"),
        ):
            told = tell(error)
            entry = json.loads(told.body)["errors"][0]
            self.assertEqual((told.status, entry["code"]), (status, code))
            self.assertEqual(entry["detail"], error.detail)
            self.assertTrue(entry["message"])

    def test_when_to_come_back(self) -> None:
        """Retry-After, where it is known; the range that stands."""

        def headers(error: errors.RegistryError) -> dict[str, str]:
            return dict(tell(error).headers)

        limited = errors.UpstreamLimited
        self.assertEqual(headers(limited("x", 90.4))["Retry-After"], "90")
        self.assertNotIn("Retry-After", headers(limited("x")))
        self.assertEqual(headers(errors.Overload("x"))["Retry-After"], "5")
        self.assertEqual(headers(errors.OutOfOrder(5))["Range"], "0-4")
