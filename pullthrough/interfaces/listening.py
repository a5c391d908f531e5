"""What speaks on a connector."""

from twisted.internet.interfaces import IProtocolFactory


class IListener(IProtocolFactory):
    """Makes the connections of one connector, and ends them."""

    async def drain() -> None:
        """Let every connection end after its current answer, and wait for that."""

    def abort_all() -> None:
        """Cut off whoever is still there."""
