"""The interfaces between the layers. All input and output is ``async``.

Errors named here are those of :mod:`pullthrough.errors`; whatever else escapes
an implementation is a bug and ends the request with status 500.
"""

from pullthrough.interfaces.access import IAccessPolicy, IAuthenticator
from pullthrough.interfaces.content import IBlobStore, IContent, IIngest
from pullthrough.interfaces.facts import (
    ILoginStore,
    IManifestStore,
    IMetadataStore,
    ITagStore,
    IUploadStore,
)
from pullthrough.interfaces.listening import IListener
from pullthrough.interfaces.repositories import (
    IBlob,
    INamespaced,
    IReferrers,
    IRepository,
    IUpload,
    IWritableRepository,
)
from pullthrough.interfaces.upstream import (
    IForeignLayers,
    ISearchIndex,
    IUpstream,
    IUpstreamBody,
)

__all__ = [
    "IAccessPolicy",
    "IAuthenticator",
    "IBlob",
    "IBlobStore",
    "IContent",
    "IForeignLayers",
    "IIngest",
    "IListener",
    "ILoginStore",
    "IManifestStore",
    "IMetadataStore",
    "INamespaced",
    "IReferrers",
    "IRepository",
    "ISearchIndex",
    "ITagStore",
    "IUpload",
    "IUploadStore",
    "IUpstream",
    "IUpstreamBody",
    "IWritableRepository",
]
