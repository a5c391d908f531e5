"""The media types of manifests, and of content without one of its own."""

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
OCTET_STREAM = "application/octet-stream"

SCHEMA1 = frozenset({DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED})
IMAGES = frozenset({DOCKER_MANIFEST, OCI_MANIFEST})
INDEXES = frozenset({DOCKER_LIST, OCI_INDEX})

#: Every type of manifest that Docker and OCI have named. The last one was in drafts of
#: OCI 1.1; ORAS and Notation have pushed it.
MANIFESTS = (
    SCHEMA1 | IMAGES | INDEXES | {"application/vnd.oci.artifact.manifest.v1+json"}
)

#: What we ask an upstream for: everything, in the order that we like it.
ACCEPT_MANIFESTS = (
    OCI_INDEX,
    OCI_MANIFEST,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1_SIGNED,
    DOCKER_SCHEMA1,
    "*/*",
)


def essence(content_type: str) -> str:
    """The media type without its parameters, in lower case.

    RFC 9110 section 8.3.1: "The type and subtype tokens are case-insensitive";
    parameters follow a semicolon.
    """
    return content_type.partition(";")[0].strip().lower()
