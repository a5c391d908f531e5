"""The configuration file: INI text to settings, every fault at once."""

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pullthrough.config import fields
from pullthrough.config.checks import check
from pullthrough.config.defaults import Defaults
from pullthrough.config.model import (
    Auth,
    BlobStore,
    Http,
    Repository,
    Settings,
)
from pullthrough.config.remotes import read_rule
from pullthrough.config.repositories import read_connectors, read_repository
from pullthrough.config.roles import read_roles
from pullthrough.config.secrets import SecretError, read_private, read_text
from pullthrough.config.section import Section

#: Variables of the environment that override an option begin so:
#: ``PULLTHROUGH__SECTION__OPTION``, in capitals, ``_`` for any other sign in the
#: section's name.
OVERRIDE = "PULLTHROUGH__"

#: The kinds of section that have a name of their own: ``[KIND:NAME]``.
SECTIONS = ("blobstore", "repository", "routing", "role", "usergroup")

# Whatever moves the cursor of a terminal, or ends the name of a file: all of Unicode's
# category Cc but the tab.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")

_FIXED = ("pullthrough", "admin", "http", "auth")


class ConfigurationError(Exception):
    """Everything that is wrong with a configuration.

    :ivar faults: each as ``[section] option: reason``, or about the file; on one line,
        though values may have several.
    """

    def __init__(self, faults: list[str]) -> None:
        self.faults = [fault.replace("\n", " ") for fault in faults]
        super().__init__("\n".join(self.faults))


def read(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check a configuration file. Nothing is touched.

    :raises ConfigurationError: with all faults.
    """
    path = path.absolute()
    try:
        text = read_text(path)
    except SecretError as error:
        raise ConfigurationError([str(error)]) from None
    return parse(text, path.parent, environ)


def parse(text: str, folder: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check the text of a configuration.

    :param folder: where relative paths begin.
    :raises ConfigurationError: with all faults.
    """
    found = _sections(text)
    faults: list[str] = []
    _override(found, environ, faults)
    sections = {name: Section(name, options, faults) for name, options in found.items()}
    settings = _settings(sections, folder, environ, faults)
    for section in sections.values():
        section.finish()
    faults += check(settings)
    if faults:
        raise ConfigurationError(faults)
    return settings


def _sections(text: str) -> dict[str, dict[str, str]]:
    faults = [
        f"line {number}: has a control character"
        for number, line in enumerate(text.split("\n"), 1)
        if _CONTROL.search(line.removesuffix("\r"))
    ]
    if faults:
        raise ConfigurationError(faults)
    parser = configparser.RawConfigParser(
        default_section="\0",
        inline_comment_prefixes=(";",),
        empty_lines_in_values=False,
    )
    # Options in any case, but what stands behind a dot is a pattern of tags.
    parser.optionxform = _option  # type: ignore[method-assign, assignment]
    try:
        parser.read_string(text)
    except configparser.DuplicateOptionError as error:
        fault = f"[{error.section}] {error.option}: stands twice, line {error.lineno}"
        raise ConfigurationError([fault]) from None
    except configparser.DuplicateSectionError as error:
        fault = f"[{error.section}]: stands twice, line {error.lineno}"
        raise ConfigurationError([fault]) from None
    except configparser.MissingSectionHeaderError as error:
        fault = f"line {error.lineno}: an option stands before the first [section]"
        raise ConfigurationError([fault]) from None
    except configparser.ParsingError as error:
        faults = [f"line {number}: is not OPTION = VALUE" for number, _ in error.errors]
        raise ConfigurationError(faults) from None
    return {name: dict(parser[name]) for name in parser.sections()}


def _option(written: str) -> str:
    name, dot, pattern = written.partition(".")
    return name.lower() + dot + pattern


def _override(
    found: dict[str, dict[str, str]], environ: Mapping[str, str], faults: list[str]
) -> None:
    by_name = {_variable(name): name for name in (*found, *_FIXED)}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(OVERRIDE):
            continue
        section, _, option = variable.removeprefix(OVERRIDE).partition("__")
        if section not in by_name or not option:
            faults.append(f"{variable}: there is no such section")
            continue
        found.setdefault(by_name[section], {})[option.lower()] = value


def _variable(section: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in section).upper()


def _settings(
    sections: dict[str, Section],
    folder: Path,
    environ: Mapping[str, str],
    faults: list[str],
) -> Settings:
    for fixed in _FIXED:
        sections.setdefault(fixed, Section(fixed, {}, faults))

    def path(value: str) -> Path:
        return Path(os.path.normpath(folder / value))

    top = sections["pullthrough"]
    data = top.get("data", path, path("var"))
    defaults = Defaults(
        folder=folder,
        environ=environ,
        tls_certificate=top.get("tls_certificate", path, None),
        tls_key=top.get("tls_key", path, None),
        tls_client_ca=top.get("tls_client_ca", path, None),
        rules={
            name.removeprefix("routing:"): read_rule(name.removeprefix("routing:"), one)
            for name, one in sections.items()
            if name.startswith("routing:")
        },
    )
    stores: list[BlobStore] = []
    repositories: list[Repository] = []
    for name, section in sections.items():
        kind, _, own = name.partition(":")
        if name in _FIXED:
            continue
        if kind not in SECTIONS:
            faults.append(f"[{name}]: there is no such section")
            section.skip()
            continue
        try:
            fields.name(own)
        except fields.FieldError as error:
            faults.append(f"[{name}]: {error}")
        if kind == "blobstore":
            where = section.get("path", path, data / "blobs" / own)
            stores.append(BlobStore(own, where))
        elif kind == "repository":
            repositories.append(read_repository(own, section, defaults))
    auth = _auth(sections["auth"], folder)
    most = 1_000_000
    some = fields.number(1, most)
    return Settings(
        data=data,
        workers=top.get("workers", fields.number(1, 16), 1),
        admin=read_connectors(sections["admin"], defaults),
        http=_http(sections["http"], folder),
        auth=auth,
        roles=read_roles(sections, auth.anonymous_access),
        blob_stores=(*stores, *_implied(repositories, stores, data)),
        repositories=tuple(repositories),
        trusted_proxies=top.get("trusted_proxies", fields.proxies, ()),
        connections=top.get("connections", fields.number(16, most), 4096),
        connections_per_address=top.get("connections_per_address", some, 256),
        transfers_per_client=top.get("transfers_per_client", some, 64),
        transfers_per_user=top.get("transfers_per_user", some, 1024),
        uploads_per_image=top.get("uploads_per_image", some, 16),
        proxy_protocol=top.get("proxy_protocol", fields.proxies, ()),
    )


def _http(section: Section, folder: Path) -> Http:
    default = Http()
    egress = section.get("proxy", fields.egress, default.egress)
    nowhere: tuple[str, ...] = ()
    direct = section.get("non_proxy_hosts", fields.hosts, nowhere)
    trust = section.get("trust", lambda value: folder / value, None)
    if trust is not None:
        _readable(section, "trust", trust)
    return Http(
        egress=replace(egress, non_proxy_hosts=direct),
        timeout=section.get("timeout", fields.duration(1, 3600), default.timeout),
        retries=section.get("retries", fields.number(0, 10), default.retries),
        user_agent_suffix=section.get("user_agent_suffix", fields.printable, ""),
        trust=trust,
        private_hosts=section.get("private_hosts", fields.hosts, nowhere),
        offline=section.get("offline", fields.boolean, False),
    )


def _auth(section: Section, folder: Path) -> Auth:
    htpasswd = section.get("htpasswd", lambda value: folder / value, None)
    if htpasswd is not None:
        try:
            read_private(htpasswd)
        except SecretError as error:
            section.fault("htpasswd", str(error))
    return Auth(htpasswd, section.get("anonymous_access", fields.boolean, False))


def _readable(section: Section, option: str, path: Path) -> None:
    try:
        read_text(path)
    except SecretError as error:
        section.fault(option, str(error))


def _implied(
    repositories: list[Repository], stores: list[BlobStore], data: Path
) -> list[BlobStore]:
    """The stores of those repositories that name none: called like themselves."""
    defined = {store.name for store in stores}
    return [
        BlobStore(repository.name, data / "blobs" / repository.name)
        for repository in repositories
        if repository.blob_store_name == repository.name
        and repository.name not in defined
    ]
