"""The configuration as frozen values; durations in seconds, sizes in bytes."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pullthrough.config.secrets import Secret
from pullthrough.spec.freshness import Freshness
from pullthrough.spec.ownership import Ownership
from pullthrough.spec.rights import Role
from pullthrough.spec.routing import RoutingRule
from pullthrough.spec.writepolicy import Deployment


class Kind(Enum):
    """The three kinds of repository."""

    HOSTED = "hosted"
    PROXY = "proxy"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Connector:
    """A listening endpoint.

    :ivar description: a Twisted endpoint description, such as ``tcp:5000``;
        for HTTPS too, where TLS is laid over it.
    :ivar tls_certificate, tls_key: PEM files; both None on a plain connector.
    :ivar tls_client_ca: a PEM bundle; clients may log in with certificates of these.
    """

    description: str
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self.tls_certificate else "http"


@dataclass(frozen=True, slots=True)
class Egress:
    """How connections leave.

    :ivar proxy: ``direct``, or ``http://HOST:PORT`` or ``socks5://HOST:PORT``
        without the credentials.
    :ivar non_proxy_hosts: hosts, ``*.suffix`` globs, addresses and networks
        that are reached directly.
    """

    proxy: str = "direct"
    username: str = ""
    password: Secret = Secret("")
    non_proxy_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Http:
    """``[http]``: all outgoing traffic.

    :ivar timeout: seconds for each step of a request; None: each has its own.
    :ivar retries: how often a GET or HEAD is tried again.
    :ivar trust: a PEM bundle of further certificate authorities.
    :ivar private_hosts: hosts, globs, addresses and networks in private ranges that
        redirects and token realms may lead to.
    :ivar offline: whether no upstream is asked at all.
    """

    egress: Egress = Egress()
    timeout: float | None = None
    retries: int = 2
    user_agent_suffix: str = ""
    trust: Path | None = None
    private_hosts: tuple[str, ...] = ()
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Auth:
    """``[auth]``.

    :ivar htpasswd: bcrypt entries; None: one is generated below ``data``.
    """

    htpasswd: Path | None = None
    anonymous_access: bool = False


@dataclass(frozen=True, slots=True)
class BlobStore:
    """``[blobstore:NAME]``."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Remote:
    """The upstream of a proxy repository.

    :ivar url: scheme, host, perhaps port and path; no trailing slash.
    :ivar library: a one-part name means ``library/NAME`` there.
    :ivar tls_client_certificate, tls_client_key: PEM files that we show to the first
        upstream; both or neither.
    :ivar egress: None: as ``[http]`` says.
    :ivar urls: the others that are asked when the first cannot tell.
    :ivar index_url: where images are searched; empty: nowhere.
    :ivar negative_time_to_live: seconds for which a miss is remembered.
    :ivar auto_block: whether hosts that keep failing are left alone.
    :ivar foreign_layer_urls: globs of the URLs that foreign layers are fetched from.
    :ivar namespaces: what clients may call it with ``?ns=`` at a group.
    :ivar blocked: whether nothing is asked and only copies are served.
    """

    url: str
    urls: tuple[str, ...] = ()
    username: str = ""
    password: Secret = Secret("")
    bearer_token: Secret = Secret("")
    tls_client_certificate: Path | None = None
    tls_client_key: Path | None = None
    egress: Egress | None = None
    library: bool = False
    freshness: Freshness = Freshness()
    negative_time_to_live: float = 600.0
    auto_block: bool = True
    blocked: bool = False
    rule: RoutingRule | None = None
    index_url: str = ""
    foreign_layer_urls: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """``[repository:NAME]``. What a kind does not have is None or empty.

    :ivar mirror: whether clients use it as a mirror of Docker Hub.
    :ivar subdomain: the first label of hosts by which the main connector serves it as
        its own connectors do; empty: none.
    """

    name: str
    kind: Kind
    connectors: tuple[Connector, ...] = ()
    force_basic_auth: bool = False
    v1_enabled: bool = False
    online: bool = True
    mirror: bool = False
    subdomain: str = ""
    deployment: Deployment = Deployment()
    ownership: Ownership = Ownership()
    strict_content_type_validation: bool = True
    blob_store_name: str = ""
    remote: Remote | None = None
    member_names: tuple[str, ...] = ()
    writable_member: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration, checked.

    :ivar workers: processes that serve clients, the daemon among them.
    :ivar admin: the main connectors: all repositories, health, metrics and status.
    :ivar blob_stores: those defined and those implied (``data``/blobs/NAME).
    :ivar roles: who may do what; none: every user everything.
    :ivar connections, connections_per_address: most of them at once.
    :ivar transfers_per_client: blobs on their way at once, out and in, for one user,
        or anonymous, at one address.
    :ivar transfers_per_user: the same for one user everywhere.
    :ivar uploads_per_image: open upload sessions of one user for one image.
    :ivar trusted_proxies: addresses and networks, and ``unix``, whose
        ``X-Forwarded-*`` headers are believed.
    :ivar proxy_protocol: those that begin a connection with a PROXY header.
    :ivar repositories: in an order in which members precede their groups.
    """

    data: Path
    workers: int = 1
    admin: tuple[Connector, ...] = ()
    http: Http = Http()
    auth: Auth = Auth()
    roles: tuple[Role, ...] = ()
    blob_stores: tuple[BlobStore, ...] = ()
    repositories: tuple[Repository, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    connections: int = 4096
    connections_per_address: int = 256
    transfers_per_client: int = 64
    transfers_per_user: int = 1024
    uploads_per_image: int = 16
    proxy_protocol: tuple[str, ...] = ()
