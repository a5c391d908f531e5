"""The upstream of a proxy, and the routing rules."""

from pathlib import Path
from urllib.parse import urlsplit

from pullthrough.config import fields
from pullthrough.config.defaults import Defaults
from pullthrough.config.model import Egress, Remote
from pullthrough.config.secrets import Secret, SecretError, read_private, read_text
from pullthrough.config.section import Section
from pullthrough.spec.freshness import Deleted, Freshness
from pullthrough.spec.namespaces import DOCKER_HUB, namespaces_of
from pullthrough.spec.routing import Mode, RoutingRule

#: Where foreign layers come from unless something else is configured.
EVERYWHERE: tuple[str, ...] = ("https://*",)

#: Where Docker Hub is searched.
HUB_INDEX = "https://index.docker.io"


def read_remote(section: Section, defaults: Defaults) -> Remote:
    """Read the upstream of a proxy; what is wrong goes to the section's faults."""
    if not section.has("remote_url"):
        section.fault("remote_url", "a proxy needs the URL of its upstream")
    none: tuple[str, ...] = ()
    urls = section.get("remote_url", _urls, none)
    url = urls[0] if urls else ""
    username = section.get("username", fields.printable, "")
    password = section.get("password", defaults.secret, Secret(""))
    token = section.get("bearer_token", defaults.secret, Secret(""))
    if token and (username or password):
        section.fault("bearer_token", "goes without username and password")
    elif bool(username) != bool(password) and not token:
        missing = "password" if username else "username"
        # One that is there but cannot be read has its own fault.
        if not section.has(missing):
            section.fault(missing, "username and password go together")
    egress: Egress | None = section.get("proxy", fields.egress, None)
    shown = _client_certificate(section, defaults)
    library = urlsplit(url).hostname in DOCKER_HUB
    return Remote(
        url=url,
        urls=urls[1:],
        username=username,
        password=password,
        bearer_token=token,
        tls_client_certificate=shown[0],
        tls_client_key=shown[1],
        egress=egress,
        library=section.get("library", fields.boolean, library),
        freshness=_freshness(section),
        negative_time_to_live=_negative(section),
        auto_block=section.get("auto_block", fields.boolean, True),
        blocked=section.get("blocked", fields.boolean, False),
        rule=_rule(section, defaults),
        index_url=_index(section, url),
        foreign_layer_urls=_foreign(section),
        namespaces=section.get("namespaces", fields.namespaces, namespaces_of(url)),
    )


def _urls(value: str) -> tuple[str, ...]:
    return tuple(fields.remote(item) for item in fields.items(value))


def _freshness(section: Section) -> Freshness:
    usual = Freshness()
    return Freshness(
        metadata_max_age=section.get(
            "metadata_max_age", fields.age, usual.metadata_max_age
        ),
        content_max_age=section.get(
            "content_max_age", fields.age, usual.content_max_age
        ),
        tag_ages=tuple(section.patterns("metadata_max_age", fields.age)),
        stale_max_age=section.get("stale_max_age", fields.age, usual.stale_max_age),
        deleted=section.get("deleted_tags", _deleted, usual.deleted),
    )


def _deleted(value: str) -> Deleted:
    try:
        return Deleted(value)
    except ValueError:
        raise fields.FieldError("must be keep or drop") from None


def _negative(section: Section) -> float:
    enabled = section.get("negative_cache_enabled", fields.boolean, True)
    age = section.get("negative_cache_time_to_live", fields.duration(0, 86400), 600.0)
    return age if enabled else 0.0


def _rule(section: Section, defaults: Defaults) -> RoutingRule | None:
    name = section.get("routing_rule_name", fields.name, "")
    if name and name not in defaults.rules:
        section.fault("routing_rule_name", f"there is no [routing:{name}]")
    return defaults.rules.get(name)


def _client_certificate(
    section: Section, defaults: Defaults
) -> tuple[Path | None, Path | None]:
    certificate = section.get("tls_client_certificate", defaults.path, None)
    key = section.get("tls_client_key", defaults.path, None)
    if (certificate is None) != (key is None):
        missing = "tls_client_key" if certificate else "tls_client_certificate"
        section.fault(missing, "tls_client_certificate and tls_client_key go together")
    for option, path, read in (
        ("tls_client_certificate", certificate, read_text),
        ("tls_client_key", key, read_private),
    ):
        try:
            if path is not None:
                read(path)
        except SecretError as error:
            section.fault(option, str(error))
    return certificate, key


def _foreign(section: Section) -> tuple[str, ...]:
    enabled = section.get("cache_foreign_layers", fields.boolean, False)
    globs = section.get("foreign_layer_urls", fields.items, EVERYWHERE)
    if not enabled and section.has("foreign_layer_urls"):
        section.fault("foreign_layer_urls", "only goes with cache_foreign_layers = yes")
    return globs if enabled else ()


def _index(section: Section, url: str) -> str:
    kind = section.get("index_type", _index_type, "registry")
    own = section.get("index_url", fields.remote, "")
    if kind == "custom":
        if not own:
            section.fault("index_url", "index_type = custom needs the URL of an index")
        return own
    if own:
        section.fault("index_url", "only goes with index_type = custom")
    return HUB_INDEX if kind == "hub" else url


def _index_type(value: str) -> str:
    if value not in ("registry", "hub", "custom"):
        raise fields.FieldError("must be registry, hub or custom")
    return value


def read_rule(name: str, section: Section) -> RoutingRule:
    """Read a ``[routing:NAME]`` section."""
    if not section.has("mode"):
        section.fault("mode", "is missing: allow or block")
    every = ("*",)
    return RoutingRule(
        name,
        section.get("mode", _mode, Mode.BLOCK),
        section.get("images", fields.items, every),
        section.get("tags", fields.items, every),
    )


def _mode(value: str) -> Mode:
    try:
        return Mode(value)
    except ValueError:
        raise fields.FieldError("must be allow or block") from None
