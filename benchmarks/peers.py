"""The configurations of the servers: ours, docker-registry's and nginx's."""

from pathlib import Path

from benchmarks.content import MANIFEST_TYPE

OURS = """
[pullthrough]
data = data
; All clients of a run have one address, and are meant as clients of their own.
transfers_per_client = 1000
tls_certificate = ../server.crt
tls_key = ../server.key
[admin]
http_port = tcp:{main}:interface=127.0.0.1
[auth]
htpasswd = ../users
anonymous_access = yes
[repository:own]
type = hosted
http_port = tcp:{hosted}:interface=127.0.0.1
https_port = tcp:{secure}:interface=127.0.0.1
"""

OURS_PROXIED = """
[repository:hub]
type = proxy
remote_url = http://127.0.0.1:{upstream}
http_port = tcp:{proxy}:interface=127.0.0.1
[repository:all]
type = group
member_names = own, hub
writable_member = own
http_port = tcp:{group}:interface=127.0.0.1
"""

_DISTRIBUTION = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {storage}}}}}
http: {{addr: "127.0.0.1:{port}", secret: x{tls}}}
"""

_NGINX = """
user root;
daemon off;
pid pid;
error_log stderr error;
worker_processes auto;
worker_rlimit_nofile 8192;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    client_body_temp_path body;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_temp_path temp;
    {more}
}}
"""

_CACHE = """
    proxy_cache_path cache levels=1:2 keys_zone=all:16m max_size=64g use_temp_path=off;
    upstream registry {{ server 127.0.0.1:{upstream}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://registry;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_cache all;
            proxy_cache_key $uri;
            proxy_cache_valid 200 1d;
            proxy_cache_lock on;
            proxy_cache_lock_timeout 1h;
            proxy_cache_lock_age 1h;
        }}
    }}
"""

_STATIC = """
    default_type application/octet-stream;
    ssl_certificate {beside}/server.crt;
    ssl_certificate_key {beside}/server.key;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{secure} ssl;
        root files;
        location ~ /manifests/ {{ default_type {media_type}; }}
    }}
"""


def distribution(
    port: int, storage: Path, upstream: int | None, tls: Path | None
) -> str:
    """docker-registry's, its log off.

    :param upstream: the port of what it is a proxy of.
    :param tls: the folder of the certificate.
    """
    secure = f', tls: {{certificate: "{tls}/server.crt", key: "{tls}/server.key"}}'
    text = _DISTRIBUTION.format(
        storage=storage, port=port, tls=secure if tls is not None else ""
    )
    if upstream is not None:
        text += f'proxy: {{remoteurl: "http://127.0.0.1:{upstream}"}}\n'
    return text


def cache(port: int, upstream: int) -> str:
    """nginx's as a cache in front of an upstream, its logs off."""
    return _NGINX.format(more=_CACHE.format(port=port, upstream=upstream))


def static(port: int, secure: int, beside: Path) -> str:
    """nginx's that serves ``files``, its logs off.

    :param beside: the folder of the certificate.
    """
    more = _STATIC.format(
        port=port, secure=secure, beside=beside, media_type=MANIFEST_TYPE
    )
    return _NGINX.format(more=more)
