"""Makes ``twistd pullthrough`` known."""

from twisted.application.service import ServiceMaker

pullthrough = ServiceMaker(
    "pullthrough",
    "pullthrough.tap",
    "A container registry that hosts, proxies and groups.",
    "pullthrough",
)
