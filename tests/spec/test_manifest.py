"""What manifests refer to, and which are refused."""

import base64
import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec import mediatypes as mt
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.manifest import (
    LARGEST_MANIFEST,
    MOST_LISTED,
    digest_of,
    listed_referrers,
    load,
    media_type_of,
    parse,
)

CONFIG = Digest.of(b"config")
LAYER = Digest.of(b"layer")


def descriptor(digest: Digest, media_type: str = "a/b", **more: Any) -> dict[str, Any]:
    """A descriptor's JSON."""
    return {"mediaType": media_type, "digest": str(digest), "size": 5, **more}


def image(**more: Any) -> dict[str, Any]:
    """An OCI image manifest."""
    return {
        "schemaVersion": 2,
        "mediaType": mt.OCI_MANIFEST,
        "config": descriptor(CONFIG, "application/x.config"),
        "layers": [descriptor(LAYER)],
        **more,
    }


def encoded(document: Any) -> bytes:
    """JSON bytes."""
    return json.dumps(document).encode()


class ParseTests(SynchronousTestCase):
    """Reading manifests."""

    def test_image(self) -> None:
        """Config and layers are blobs; the artifact type is the config's."""
        parsed = parse(encoded(image(annotations={"k": "ü"})), mt.OCI_MANIFEST)
        self.assertEqual([blob.digest for blob in parsed.blobs], [CONFIG, LAYER])
        self.assertEqual(parsed.blobs[1], Descriptor("a/b", LAYER, 5))
        self.assertEqual(parsed.artifact_type, "application/x.config")
        self.assertEqual(parsed.annotations, '{"k":"ü"}')
        self.assertIsNone(parsed.subject)

    def test_foreign_layers_are_not_ours(self) -> None:
        """A layer with urls is not among the blobs."""
        foreign = descriptor(Digest.of(b"f"), urls=["https://x.test/l"])
        parsed = parse(
            encoded(image(layers=[foreign, descriptor(LAYER)])), mt.OCI_MANIFEST
        )
        self.assertEqual([blob.digest for blob in parsed.blobs], [CONFIG, LAYER])
        (layer,) = parsed.foreign
        self.assertEqual(layer.descriptor.digest, Digest.of(b"f"))
        self.assertEqual(layer.urls, ("https://x.test/l",))
        for odd in ("https://x.test/l", [7], {}, {"x": "y"}):
            document = image(layers=[descriptor(LAYER, urls=odd)])
            parsed = parse(encoded(document), mt.OCI_MANIFEST)
            self.assertEqual(parsed.foreign, ())
            self.assertEqual([blob.digest for blob in parsed.blobs], [CONFIG, LAYER])

    def test_index(self) -> None:
        """An index lists manifests and has no blobs."""
        document = {"schemaVersion": 2, "manifests": [descriptor(LAYER)]}
        for media_type in (mt.OCI_INDEX, mt.DOCKER_LIST):
            parsed = parse(encoded(document), media_type)
            self.assertEqual([child.digest for child in parsed.manifests], [LAYER])
            self.assertEqual(parsed.blobs, ())
            self.assertEqual(parsed.artifact_type, "")

    def test_artifact(self) -> None:
        """Subject and artifact type are read; an unknown type is taken."""
        document = image(
            mediaType="application/x.new+json",
            artifactType="application/x.sbom",
            subject=descriptor(LAYER),
        )
        parsed = parse(encoded(document), "application/x.new+json")
        self.assertEqual(parsed.subject, LAYER)
        self.assertEqual(parsed.artifact_type, "application/x.sbom")

    def test_schema1(self) -> None:
        """The layers of schema 1 are blobs whose size is not told."""
        document = {
            "schemaVersion": 1,
            "fsLayers": [{"blobSum": str(LAYER)}, {"blobSum": str(LAYER)}],
        }
        parsed = parse(encoded(document), mt.DOCKER_SCHEMA1)
        self.assertEqual(parsed.blobs, (Descriptor(mt.OCTET_STREAM, LAYER, 0),))

    def test_a_config_that_is_no_descriptor_gives_no_type(self) -> None:
        """Refused for what it is, not by a crash."""
        self.refused(image(config=7))

    def refused(self, document: Any, media_type: str = mt.OCI_MANIFEST) -> None:
        """Such a manifest is MANIFEST_INVALID."""
        body = document if isinstance(document, bytes) else encoded(document)
        with self.assertRaises(InvalidText) as caught:
            parse(body, media_type)
        self.assertEqual(caught.exception.code, ErrorCode.MANIFEST_INVALID)

    def test_refused_documents(self) -> None:
        """Broken, ambiguous and hostile documents are refused."""
        index = {"schemaVersion": 2, "manifests": [descriptor(LAYER)]}
        self.refused(b"{")
        self.refused(b"\xff{}")
        self.refused([])
        self.refused(b"[" * 20_000 + b"]" * 20_000)
        self.refused(b"[" * 20_001)
        self.refused(b'{"a":"' + b"{" * 20_001 + b'"}')
        self.refused(b'{"a":"' + b"," * 100_001 + b'"}')
        self.refused(b" " * (LARGEST_MANIFEST + 1))
        self.refused({**index, "layers": []}, mt.OCI_INDEX)
        self.refused({**index, "config": {}}, mt.OCI_INDEX)
        self.refused(image(mediaType=mt.DOCKER_MANIFEST))
        self.refused(image(schemaVersion=1))
        self.refused({"schemaVersion": 2}, mt.OCI_INDEX)
        self.refused({"schemaVersion": 2}, mt.DOCKER_MANIFEST)
        self.refused(image(layers={}))
        self.refused(image(layers=[7]))
        self.refused(image(layers=[descriptor(LAYER, size=-1)]))
        self.refused(image(layers=[descriptor(LAYER, size=True)]))
        self.refused(image(layers=[descriptor(LAYER, size="5")]))
        self.refused(image(layers=[{**descriptor(LAYER), "mediaType": 7}]))
        self.refused(image(layers=[{**descriptor(LAYER), "mediaType": "x" * 256}]))
        self.refused(image(layers=[{**descriptor(LAYER), "digest": 7}]))
        self.refused(image(layers=[{**descriptor(LAYER), "digest": "md5:x"}]))
        self.refused(image(layers=[{**descriptor(LAYER), "size": 2**63}]))
        good = encoded(image())
        self.refused(b"\xef\xbb\xbf" + good)
        self.refused(good.decode().encode("utf-16"))
        self.refused(image(x=float("nan")))
        self.refused(good.replace(b"{", b'{"x":"\\ud800",', 1))
        self.refused(image(subject=7))
        self.refused(image(), "x" * 256)
        self.refused({"schemaVersion": 1, "fsLayers": [7]}, mt.DOCKER_SCHEMA1)
        self.refused({"schemaVersion": 1, "fsLayers": [{}]}, mt.DOCKER_SCHEMA1)

    def test_keys_that_stand_twice(self) -> None:
        """Refused in what is pushed, at any depth and in any case; not in what we
        fetch, for it has its digest already."""
        good = encoded(image())
        self.assertEqual(len(parse(good, mt.OCI_MANIFEST, strict=True).blobs), 2)
        labels = encoded(image(annotations={"Team": "a", "team": "b"}))
        parse(labels, mt.OCI_MANIFEST, strict=True)
        for broken in (
            good.replace(b'"layers":', b'"layers": [], "layers":'),
            good.replace(b'"layers":', b'"Layers": [], "layers":'),
            good.replace(b'"size": 5', b'"size": 5, "SIZE": 6'),
        ):
            self.assertNotEqual(broken, good)
            parse(broken, mt.OCI_MANIFEST)
            with self.assertRaises(InvalidText) as caught:
                parse(broken, mt.OCI_MANIFEST, strict=True)
            self.assertIn("stands twice", caught.exception.detail)

    def test_fields_in_another_case(self) -> None:
        """Go reads them as fields, we as labels: refused in what is pushed. Go folds a
        long s, too."""
        good = encoded(image(subject=descriptor(LAYER), annotations={"Size": "5"}))
        parse(good, mt.OCI_MANIFEST, strict=True)
        index = encoded({"schemaVersion": 2, "manifests": [descriptor(LAYER)]})
        old = encoded({"schemaVersion": 1, "fsLayers": [{"blobSum": str(LAYER)}]})
        parse(old, mt.DOCKER_SCHEMA1, strict=True)
        for body, media_type, one, other in (
            (good, mt.OCI_MANIFEST, '"layers"', '"Layers"'),
            (good, mt.OCI_MANIFEST, '"subject"', '"\u017fubject"'),
            (good, mt.OCI_MANIFEST, '"size": 5', '"size": 5, "\u017fize": 6'),
            (good, mt.OCI_MANIFEST, '"size": 5', '"size": 5, "URLs": ["x"]'),
            (index, mt.OCI_INDEX, '"size": 5', '"size": 5, "Platform": {}'),
            (old, mt.DOCKER_SCHEMA1, '"blobSum": ', '"BlobSum": 5, "blobSum": '),
            (old, mt.DOCKER_SCHEMA1, '{"schema', '{"FSLayers": [], "schema'),
        ):
            broken = body.replace(one.encode(), other.encode())
            self.assertNotEqual(broken, body)
            parse(broken, media_type)
            with self.assertRaises(InvalidText):
                parse(broken, media_type, strict=True)

    def test_what_is_odd_but_harmless(self) -> None:
        """Refused in what is pushed, passed over in what we fetch."""
        for odd in (
            {"annotations": [1]},
            {"annotations": {"x": 1}},
            {"artifactType": 1},
            {"artifactType": "x" * 256},
            {"artifactType": "a\r\nb"},
        ):
            body = encoded(image(**odd))
            parsed = parse(body, mt.OCI_MANIFEST)
            plain = parse(encoded(image()), mt.OCI_MANIFEST)
            self.assertEqual(parsed, plain)
            with self.assertRaises(InvalidText):
                parse(body, mt.OCI_MANIFEST, strict=True)
        escaped = encoded(image()).replace(b"{", b'{"x":"\\u00fc",', 1)
        parse(escaped, mt.OCI_MANIFEST, strict=True)

    def test_a_large_manifest_is_taken(self) -> None:
        """4 MiB are taken."""
        body = encoded(image())
        body += b" " * (LARGEST_MANIFEST - len(body))
        self.assertEqual(len(parse(body, mt.OCI_MANIFEST).blobs), 2)
        self.assertEqual(load(body)["schemaVersion"], 2)


def signed(text: bytes, tail: bytes = b"\n}", **header: Any) -> bytes:
    """A schema 1 manifest, signed in form only."""

    def b64(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    body = text[: -len(tail)]
    fields = {"formatLength": len(body), "formatTail": b64(tail), **header}
    protected = b64(json.dumps(fields).encode())
    signature = json.dumps([{"protected": protected}]).encode()
    return body + b',\n   "signatures": ' + signature + tail


class DigestOfTests(SynchronousTestCase):
    """What names a manifest."""

    def test_bytes_name_a_manifest(self) -> None:
        """The digest is that of the bytes, in the algorithm asked."""
        body = encoded(image())
        self.assertEqual(digest_of(body, mt.OCI_MANIFEST), Digest.of(body))
        self.assertEqual(
            digest_of(body, mt.OCI_MANIFEST, "sha512"), Digest.of(body, "sha512")
        )

    def test_payload_names_a_signed_schema1(self) -> None:
        """The signature does not count."""
        text = b'{\n   "schemaVersion": 1\n}'
        self.assertEqual(
            digest_of(signed(text), mt.DOCKER_SCHEMA1_SIGNED), Digest.of(text)
        )

    def test_schema1_without_signature_is_refused(self) -> None:
        """Every way to have no usable signature is MANIFEST_INVALID."""
        text = b'{\n   "schemaVersion": 1\n}'
        for body in (
            text,
            b"[]",
            b'{"signatures": []}',
            b'{"signatures": [{"protected": 7}]}',
            b'{"signatures": [{"protected": "x"}]}',
            signed(text, formatLength="1"),
            signed(text, formatLength=-1),
            signed(text, formatLength=10**9),
        ):
            with self.assertRaises(InvalidText):
                digest_of(body, mt.DOCKER_SCHEMA1_SIGNED)

    def test_bombs(self) -> None:
        """A signed manifest, and what it says of its signature, are read within the
        limits of any other."""
        text = b'{\n   "schemaVersion": 1\n}'
        good = signed(text)
        deep, wide = b'{"x":' + b"[" * 5000, b'{"x":[' + b"[]," * 20_001 + b"[]]}"
        large = base64.urlsafe_b64encode(wide)
        bomb = b'{"signatures":[{"protected":"' + large.rstrip(b"=") + b'"}]}'
        for body in (
            *(deep, wide, bomb, b"\xef\xbb\xbf" + good, good.decode().encode("utf-16")),
            good.replace(b'"signatures"', b'"x": ' + wide[5:-1] + b', "signatures"'),
        ):
            with self.assertRaises(InvalidText):
                digest_of(body, mt.DOCKER_SCHEMA1_SIGNED)


class MediaTypeTests(SynchronousTestCase):
    """Which media type a manifest has."""

    def test_declared(self) -> None:
        """What Content-Type says, without parameters."""
        self.assertEqual(media_type_of(b"", f"{mt.OCI_MANIFEST}; x=y"), mt.OCI_MANIFEST)

    def test_document(self) -> None:
        """Where the header says nothing, the document tells."""
        for document, expected in (
            (image(), mt.OCI_MANIFEST),
            ({"schemaVersion": 1}, mt.DOCKER_SCHEMA1),
            ({"schemaVersion": 1, "signatures": []}, mt.DOCKER_SCHEMA1_SIGNED),
            ({"manifests": []}, mt.OCI_INDEX),
            ({"config": {}, "mediaType": ""}, mt.OCI_MANIFEST),
        ):
            for declared in ("", "application/json", "text/plain; charset=utf-8"):
                self.assertEqual(media_type_of(encoded(document), declared), expected)

    def test_nothing_tells(self) -> None:
        """A document without a type is refused."""
        self.assertRaises(InvalidText, media_type_of, b"{}", "application/json")


class ListedReferrersTests(SynchronousTestCase):
    """What a registry lists as referring to a manifest."""

    def test_entries(self) -> None:
        """Each with its artifact type and annotations, where it tells them."""
        one = descriptor(CONFIG)
        told = {**descriptor(LAYER), "artifactType": "a/b", "annotations": {"k": "v"}}
        found = listed_referrers(encoded({"manifests": [one, told]}))
        self.assertEqual(
            [(entry.artifact_type, entry.annotations) for entry in found],
            [("", ""), ("a/b", '{"k":"v"}')],
        )
        self.assertEqual(str(found[0].descriptor.digest), one["digest"])
        self.assertEqual(listed_referrers(b'{"manifests": []}'), [])

    def test_types_that_are_none(self) -> None:
        """An entry's config tells its type only when it is one."""
        for config, expected in (
            ({"mediaType": "a/b"}, "a/b"),
            ({"mediaType": "a\nb"}, ""),
            ({"mediaType": {"x": 1}}, ""),
            ({"mediaType": "x" * 256}, ""),
            ({}, ""),
            ("a/b", ""),
        ):
            entry = descriptor(LAYER, config=config)
            (found,) = listed_referrers(encoded({"manifests": [entry]}))
            self.assertEqual(found.artifact_type, expected)

    def test_no_index(self) -> None:
        """Anything else is refused."""
        for body in (b"", b"[]", b"{}", b'{"manifests": 7}', b'{"manifests": [{}]}'):
            with self.assertRaises(InvalidText):
                listed_referrers(body)

    def test_too_many(self) -> None:
        """No more are read than can be recorded at once."""
        entries = [descriptor(LAYER)] * MOST_LISTED
        self.assertEqual(
            len(listed_referrers(encoded({"manifests": entries}))), MOST_LISTED
        )
        with self.assertRaises(InvalidText):
            listed_referrers(encoded({"manifests": [*entries, descriptor(LAYER)]}))
