"""The configuration: from a file's bytes to settings, and what clients are told."""

import json
import re
import tempfile
import tomllib
from pathlib import Path

from pullthrough.config.checks import check
from pullthrough.config.clients import settings_of_clients
from pullthrough.config.ini import OVERRIDE, ConfigurationError, read
from pullthrough.config.model import Kind, Settings
from pullthrough.spec.origins import Origin, is_visible
from tests.fuzz.feed import Target, text

_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
_FILE = Path(_FOLDER.name) / "registry.ini"

#: Between the file and each variable of the environment; in no text in UTF-8.
_PART = b"\xfe"

_FAULT = re.compile(r"\[.+\].*: .+|line [0-9]+: .+", re.DOTALL)
_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,62}")
_TITLE = re.compile("# ---- (.+)")

_SECRET = "hunter2-hunter2"


def configs(data: bytes) -> None:
    """Either every fault as ``[section] option: reason``, or settings that are whole,
    and from which clients' files can be made."""
    content, *variables = data.split(_PART)
    environ = {}
    for variable in variables:
        name, _, value = variable.replace(b"\0", b"").partition(b"=")
        environ["".join(text(name).split())] = text(value)
    _FILE.write_bytes(content)
    try:
        settings = read(_FILE, environ)
    except ConfigurationError as error:
        _faults(error, content, environ)
        return
    assert settings == read(_FILE, environ)
    assert check(settings) == []
    _whole(settings)
    _clients(settings_of_clients(settings, "registry.test"))
    secrets = [one.remote.password for one in settings.repositories if one.remote]
    if _SECRET in [one.reveal() for one in secrets] and content.count(b"hunter2") == 1:
        assert _SECRET not in repr(settings)


def _faults(error: ConfigurationError, content: bytes, environ: dict[str, str]) -> None:
    assert error.faults
    assert str(error) == "\n".join(error.faults)
    for fault in error.faults:
        assert "\n" not in fault, fault
        by_file = fault.startswith(f"{_FILE} ")
        by_variable = fault.partition(": ")[0] in environ and fault.startswith(OVERRIDE)
        assert by_file or by_variable or _FAULT.fullmatch(fault), fault
    told = re.findall(rb"^password *= *hunter2-hunter2 *$", content, re.MULTILINE)
    if told and content.count(b"hunter2") == 1:
        assert _SECRET not in str(error), "a secret is told"


def _whole(settings: Settings) -> None:
    names = [one.name for one in settings.repositories]
    stores = {store.name for store in settings.blob_stores}
    assert names
    assert len(set(names)) == len(names)
    assert settings.http.timeout is None or 1 <= settings.http.timeout <= 3600
    assert 0 <= settings.http.retries <= 10
    for one in settings.repositories:
        assert _NAME.fullmatch(one.name)
        assert (one.remote is not None) == (one.kind is Kind.PROXY)
        assert bool(one.member_names) == (one.kind is Kind.GROUP)
        assert set(one.member_names) <= set(names) - {one.name}
        assert one.kind is Kind.GROUP or one.blob_store_name in stores
        for connector in one.connectors:
            assert re.match(
                "(tcp6?:[0-9]{1,5}|unix:.|systemd:.)", connector.description
            )
        if one.remote is not None:
            for url in (one.remote.url, *one.remote.urls):
                assert is_visible(url)
                assert not url.endswith("/")
                assert str(Origin.of(url))
    for store in settings.blob_stores:
        assert _NAME.fullmatch(store.name)


def _clients(told: str) -> None:
    """The files that we write for clients can be read by them."""
    title, lines = "", list[str]()
    for line in (*told.splitlines(), "# ---- end"):
        found = _TITLE.fullmatch(line)
        if found is None:
            lines.append(line)
            continue
        body = "\n".join(one for one in lines if not one.startswith("# "))
        if title.endswith(".json"):
            json.loads(body)
        elif title.endswith((".toml", ".conf")):
            tomllib.loads(body)
        title, lines = found[1], []


_GOOD = b"""[repository:own]
type = hosted
http_port = 8090
owns = team/*, @existing
write_policy = allow_once
latest_policy = yes

[repository:hub]
type = proxy
remote_url = https://registry-1.docker.io/, http://[::1]:5000/base
username = me
password = hunter2-hunter2
metadata_max_age.v* = 5m
content_max_age = never
stale_max_age = 7d
routing_rule_name = only
namespaces = docker.io, quay.io
proxy = socks5://me:p%40w@127.0.0.1:1080
foreign_layer_urls = https://*
cache_foreign_layers = yes

[repository:all]
type = group
http_port = tcp:5000:interface=127.0.0.1
member_names = own, hub
writable_member = own
subdomain = all

[routing:only]
mode = allow
images = library/*

[admin]
http_port = 8081
"""

_REST = b"""[pullthrough]
data = ../var
connections = 4096
trusted_proxies = 10.0.0.0/8, unix
proxy_protocol = 10.0.0.6

[http]
proxy = http://127.0.0.1:3128
non_proxy_hosts = *.corp.example, 10.0.0.0/8
timeout = 20s
retries = 2
user_agent_suffix = x
private_hosts = a.b
offline = no

[auth]
anonymous_access = yes

[usergroup:team]
users = alice, bob

[role:developers]
user_groups = team
users = anonymous
actions = browse, read, push
repositories = *
images = team/*

[blobstore:big]
path = /srv/big

[repository:own]
type = hosted
blob_store_name = big
role = mirror
"""

_HUB = b"[repository:h]\ntype = proxy\nremote_url = https://h.test\n"


def _hub(line: str) -> bytes:
    return _HUB + line.encode() + b"\n"


def _with(content: bytes, *variables: bytes) -> bytes:
    return _PART.join((content, *variables))


TARGETS = (
    Target(
        configs,
        (
            _GOOD,
            _REST,
            _with(_GOOD, b"PULLTHROUGH__REPOSITORY_HUB__PASSWORD=env:X", b"X=y"),
            _with(_REST, b"PULLTHROUGH__NOWHERE__X=y", b"PULLTHROUGH____="),
            _with(_HUB, b"PULLTHROUGH__AUTH__HTPASSWD=\xff"),
            _hub("http_port = ²"),
            _hub("bearer_token = file:a\0b"),
            _hub("tls_client_certificate = registry.ini"),
            _hub("remote_url = https://ä.test"),
            _hub("namespaces = a\x7fb, 😀, \x1c"),
            _hub("proxy = http://[::1]x:80"),
            _hub("proxy = socks5://a:b@c"),
            _hub("password = file:" + "x" * 300),
            _hub("index_type = custom\nindex_url = http://a:0"),
            _hub("http_port = unix:/a\\:b:mode=600"),
            _hub("http_port = systemd:domain=INET:index=0"),
            b"[\0]\ntype = hosted\n[repository:a]\n",
            b"[repository:a]\ntype = hosted\n[repository:a]\n",
            b"[repository:a]\ntype = hosted\ntype = group\n",
            b"type = hosted\n",
            b"[repository:a\ntype\n = x\n",
            b"[repository:a]\ntype = group\nmember_names = a\n",
            b"\xef\xbb\xbf[repository:a]\ntype = hosted",
            b"[x]y]\nz: 1\n",
            b"\xff",
            b"",
        ),
        (
            *sorted(set(re.findall(rb"^\w+ = ", _GOOD + _REST, re.MULTILINE))),
            b"[repository:",
            b"[admin]\n",
            b"https_port = ",
            b"file:",
            b"env:",
            b"never",
            b"https://",
            b"\n ",
            b"; ",
            _PART + b"PULLTHROUGH__",
        ),
    ),
)
