"""Three organisations, their keys and a charter they can sign."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest

from hansa.core.signing import Envelope, SigningKey
from hansa.league.chain import Chain
from hansa.league.charter import digest, draft, sign
from hansa.wire.protocol import Charter, Member, ModelTerms, Shares

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000


class FakeClock:
    def __init__(self) -> None:
        self.time_ms = NOW_MS

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic_s(self) -> float:
        return self.time_ms / 1000


@dataclass(frozen=True)
class Consortium:
    roots: dict[str, SigningKey]
    nodes: dict[str, SigningKey]
    charter: Charter

    def signed(self, charter: Charter, *by: str) -> Envelope:
        envelope = draft(charter)
        for member in by:
            envelope = sign(envelope, self.roots[member])
        return envelope

    def chain(self) -> Chain:
        return Chain.of([self.signed(self.charter, "a", "b")])

    def member(self, name: str, **changes: object) -> Member:
        return member(name, self.roots[name], self.nodes[name], **changes)


def member(name: str, root: SigningKey, node: SigningKey, **changes: object) -> Member:
    values = {
        "id": name,
        "name": f"Organisation {name}",
        "jurisdiction": "eu",
        "url": f"https://{name}.example",
        "root_key": root.public,
        "node_keys": (node.public,),
    }
    return Member(**(values | changes))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def consortium() -> Consortium:
    roots = {name: SigningKey.from_seed(name.encode() * 32) for name in "abcd"}
    nodes = {name: SigningKey.from_seed(name.upper().encode() * 32) for name in "abcd"}
    charter = Charter(
        league="testing",
        epoch=1,
        predecessor="",
        threshold=2,
        issued_at_ms=NOW_MS - DAY_MS,
        expires_at_ms=NOW_MS + 30 * DAY_MS,
        members=tuple(member(name, roots[name], nodes[name]) for name in "abc"),
        models=(
            ModelTerms(
                model="small",
                maker="a",
                licence="Apache-2.0",
                weights_sha256="0" * 64,
                price_input_nanousd_per_mtok=100_000_000,
                price_output_nanousd_per_mtok=300_000_000,
                shares=Shares(maker=3000, compute=6500, commons=500),
            ),
        ),
    )
    return Consortium(roots, nodes, charter)


@pytest.fixture
def successor(consortium: Consortium) -> Callable[..., Charter]:
    """Builds epoch 2 of the consortium's charter, with changes."""

    def build(**changes: object) -> Charter:
        first = digest(draft(consortium.charter).body())
        values = {"epoch": 2, "predecessor": first} | changes
        return msgspec.structs.replace(consortium.charter, **values)

    return build
