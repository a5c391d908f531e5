"""A registry for container images that hosts, proxies and groups."""

__version__ = "0.1.0"
