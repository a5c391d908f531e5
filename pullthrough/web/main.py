"""The main connector: every repository, by path or subdomain, and pages for people."""

from collections.abc import Mapping

from pullthrough.spec.ways import first_label, lead_of, ways_to
from pullthrough.web.exchange import Application, IExchange
from pullthrough.web.head import Head
from pullthrough.web.kept import Standing
from pullthrough.web.pages import Pages
from pullthrough.web.site import Site


class Main:
    """Hands each request to who serves it.

    :param sites: by the repository's name, as on connectors of their own.
    :param subdomains: the names of repositories by the first label of a host.
    :param everything: serves what names no repository that is there.
    """

    def __init__(
        self,
        sites: Mapping[str, Site],
        subdomains: Mapping[str, str],
        everything: Application,
        pages: Pages,
    ) -> None:
        self._by_label = {label: sites[name] for label, name in subdomains.items()}
        self._by_lead = {
            way.lead: site.by(way)
            for name, site in sites.items()
            for way in ways_to(name)
        }
        self._everything = everything
        self._pages = pages

    async def __call__(self, exchange: IExchange) -> None:
        """Answer one request; see :data:`Application`."""
        await self._who(exchange.head.path, exchange.seen.connector)(exchange)

    def at_once(self, head: Head, connector: str) -> Standing | None:
        """See :meth:`Site.at_once`."""
        who = self._who(head.path, connector)
        return who.at_once(head, connector) if isinstance(who, Site) else None

    def _who(self, path: str, connector: str) -> Application:
        if path in self._pages:
            return self._pages
        if path.startswith(("/v2/", "/v1/")) or path == "/v2":
            named = self._by_label.get(first_label(connector))
            if named is not None:
                return named
        return self._by_lead.get(lead_of(path), self._everything)
