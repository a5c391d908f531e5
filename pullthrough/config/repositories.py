"""The ``[repository:NAME]`` sections."""

from dataclasses import replace
from pathlib import Path

from pullthrough.config import fields
from pullthrough.config.defaults import Defaults
from pullthrough.config.model import Connector, Kind, Repository
from pullthrough.config.remotes import read_remote
from pullthrough.config.secrets import SecretError, read_text
from pullthrough.config.section import Section
from pullthrough.spec.ownership import Ownership, parse_ownership
from pullthrough.spec.ways import is_label
from pullthrough.spec.writepolicy import Deployment, WritePolicy


def read_repository(name: str, section: Section, defaults: Defaults) -> Repository:
    """Read one repository; what is wrong goes to the section's faults."""
    kind = section.get("type", _kind, None)
    common = Repository(
        name=name,
        kind=kind or Kind.GROUP,
        connectors=read_connectors(section, defaults),
        force_basic_auth=section.get("force_basic_auth", fields.boolean, False),
        v1_enabled=section.get("v1_enabled", fields.boolean, False),
        online=section.get("online", fields.boolean, True),
        mirror=section.get("role", _role, False),
        subdomain=section.get("subdomain", _subdomain, ""),
    )
    if kind is None:
        if not section.has("type"):
            section.fault("type", "is missing: hosted, proxy or group")
        section.skip()
        return common
    if kind is Kind.GROUP:
        if not section.has("member_names"):
            section.fault("member_names", "a group needs members")
        return replace(
            common,
            member_names=section.get("member_names", fields.items, ()),
            writable_member=section.get("writable_member", fields.name, ""),
        )
    common = replace(
        common,
        blob_store_name=section.get("blob_store_name", fields.name, name),
        strict_content_type_validation=section.get(
            "strict_content_type_validation", fields.boolean, True
        ),
    )
    if kind is Kind.HOSTED:
        return replace(
            common,
            deployment=_deployment(section),
            ownership=section.get("owns", _ownership, Ownership()),
        )
    return replace(common, remote=read_remote(section, defaults))


def _subdomain(value: str) -> str:
    if not is_label(value):
        raise fields.FieldError(
            "has up to 63 lower-case letters, digits and '-', a letter first and no"
            " '-' last"
        )
    return value


def _role(value: str) -> bool:
    if value not in ("registry", "mirror"):
        raise fields.FieldError("must be registry or mirror")
    return value == "mirror"


def _kind(value: str) -> Kind | None:
    try:
        return Kind(value)
    except ValueError:
        raise fields.FieldError("must be hosted, proxy or group") from None


def _deployment(section: Section) -> Deployment:
    policy = section.get("write_policy", _policy, WritePolicy.ALLOW)
    latest = section.get("latest_policy", fields.boolean, False)
    if latest and policy is not WritePolicy.ALLOW_ONCE:
        section.fault("latest_policy", "only goes with write_policy = allow_once")
    return Deployment(policy, latest)


def _ownership(value: str) -> Ownership:
    try:
        return parse_ownership(fields.items(value))
    except ValueError as error:
        raise fields.FieldError(str(error)) from None


def _policy(value: str) -> WritePolicy:
    try:
        return WritePolicy(value)
    except ValueError:
        raise fields.FieldError("must be allow, allow_once or deny") from None


def read_connectors(section: Section, defaults: Defaults) -> tuple[Connector, ...]:
    """Read ``http_port`` and ``https_port``, with the certificate for the latter."""
    certificate = section.get("tls_certificate", defaults.path, None)
    key = section.get("tls_key", defaults.path, None)
    certificate = certificate or defaults.tls_certificate
    key = key or defaults.tls_key
    client_ca = section.get("tls_client_ca", defaults.path, None)
    client_ca = client_ca or defaults.tls_client_ca
    found = []
    plain = section.get("http_port", fields.endpoint, "")
    if plain:
        found.append(Connector(plain))
    secure = section.get("https_port", fields.endpoint, "")
    if secure:
        if certificate is None or key is None:
            section.fault("https_port", "needs tls_certificate and tls_key")
        else:
            _readable(section, "tls_certificate", certificate)
            _readable(section, "tls_key", key)
            if client_ca is not None:
                _readable(section, "tls_client_ca", client_ca)
            found.append(Connector(secure, certificate, key, client_ca))
    return tuple(found)


def _readable(section: Section, option: str, path: Path) -> None:
    try:
        read_text(path)
    except SecretError as error:
        section.fault(option, str(error))
