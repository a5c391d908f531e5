"""What speaks on a connector."""

from twisted.internet.interfaces import IProtocolFactory


class IListener(IProtocolFactory):
    """Makes the connections of one connector, and ends them."""

    def leave() -> None:
        """Let each answer from now on be the last one of its connection, and say so.
        Who is idle may still ask, and who comes is served."""

    async def drain() -> None:
        """Let every connection end after its current answer, and wait for that."""

    def abort_all() -> None:
        """Cut off whoever is still there."""
