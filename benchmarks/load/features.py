"""What Hansa is measured without, to say what each of its features costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing switched off: by keys of the replicas, of the node, or by the environment.

    A key that is None is left out of the settings.
    """

    name: str
    replica: Mapping[str, object] = field(default_factory=dict)
    node: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


FEATURES = (
    Feature(
        "a call to the engine over HTTP",
        replica={"engine": "mock", "url": None, "upstream_model": None},
    ),
)
