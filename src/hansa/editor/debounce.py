"""How long to wait after a keystroke before a model is asked."""

SHORTEST_S = 0.01
LONGEST_S = 0.12
GROWTH = 1.5
"""After a request that was typed over before its answer came: it was asked too early."""

SHRINK = 0.7
"""After one whose answer was seen."""


class Debounce:
    """Adapts to how fast somebody types compared with how fast the model answers.

    Who types on before answers come makes every request waste work, so the wait grows; who waits
    for them gets them sooner.
    """

    def __init__(self) -> None:
        self.wait_s = SHORTEST_S * 2

    def typed_over(self) -> None:
        self.wait_s = min(LONGEST_S, self.wait_s * GROWTH)

    def seen(self) -> None:
        self.wait_s = max(SHORTEST_S, self.wait_s * SHRINK)
