# pyright: basic, reportMissingImports=false
"""Members and coordinator on one machine: by Flower's simulation, or plainly in one process.

The plain way passes every message through the bytes that it is on the wire, and shows them to
whoever wants to look; it needs no Ray, which does not start on a machine that is busy.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from uuid import uuid4

from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.serde import message_from_proto, message_to_proto
from flwr.proto.message_pb2 import Message as MessageProto
from flwr.serverapp import Grid, ServerApp
from flwr.supercore.task_identity import TaskIdentity

from hansa.core.errors import UserError
from hansa.models.profile import Profile
from hansa.training.federate.apps import Place, coordinator_app, member_app
from hansa.training.federate.home import adapt
from hansa.training.federate.plan import Plan
from hansa.training.federate.updates import Arrays

PARTITION = "partition-id"
"""What Flower calls a member's number."""

Tap = Callable[[str, bytes], None]
"""Direction ("to a member" or "to the coordinator") and what is on the wire."""


def run_plainly(
    plan: Plan, weights: Path, profile: Profile, homes: Sequence[Path], tap: Tap | None = None
) -> Arrays:
    """The adapter of all members, one after the other in this process.

    Raises:
        UserError: too few members take part.
    """
    # Flower makes messages in the name of the process's task; here there is one.
    TaskIdentity.run_id = TaskIdentity.task_id = TaskIdentity.node_id = 1
    app = member_app(_finder(plan, weights, profile, homes))
    grid = _PlainGrid(app, len(homes), tap or (lambda direction, data: None))
    found: list[Arrays] = []
    _coordinator(plan, weights, profile, found)(grid, _context(0))
    return found[0]


def run_by_flower(plan: Plan, weights: Path, profile: Profile, homes: Sequence[Path]) -> Arrays:
    """The same by Flower's simulation (Ray); members on a processor each.

    Raises:
        UserError: it ended without an adapter.
    """
    from flwr.simulation import run_simulation

    found: list[Arrays] = []
    run_simulation(
        _coordinator(plan, weights, profile, found),
        member_app(_finder(plan, weights, profile, homes)),
        len(homes),
        backend_config={
            "init_args": {"include_dashboard": False, "log_to_driver": False},
            "client_resources": {"num_cpus": 1},
        },
    )
    if not found:
        raise UserError("the simulation ended without an adapter", hint="its messages say why")
    return found[0]


def _coordinator(plan: Plan, weights: Path, profile: Profile, found: list[Arrays]) -> ServerApp:
    """Puts the adapter into `found`."""
    return coordinator_app(
        lambda context: plan,
        lambda context: adapt(plan, weights, profile).arrays(),
        lambda context, arrays: found.append(arrays),
    )


def _finder(
    plan: Plan, weights: Path, profile: Profile, homes: Sequence[Path]
) -> Callable[[Context], Place]:
    """Each member by its number."""

    def find(context: Context) -> Place:
        return Place(plan, weights, profile, homes[int(context.node_config[PARTITION])])

    return find


class _PlainGrid(Grid):
    """Flower's seam between a coordinator's program and members, without processes between."""

    def __init__(self, app: ClientApp, members: int, tap: Tap) -> None:
        self._app, self._members, self._tap = app, members, tap
        self._answers: dict[str, Message] = {}

    def set_run(self, run: object) -> None:
        """There is one run only."""

    @property
    def run(self):
        raise NotImplementedError

    def create_message(self, *arguments: object, **more: object) -> Message:
        raise NotImplementedError

    def get_node_ids(self) -> Iterable[int]:
        return range(1, self._members + 1)

    def get_nodes(self):
        raise NotImplementedError

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        return [self._passed(each) for each in messages]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return [self._answers.pop(each) for each in message_ids if each in self._answers]

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        return self.pull_messages(self.push_messages(messages))

    def _passed(self, message: Message) -> str:
        name = message.metadata.__dict__["_message_id"] = str(uuid4())
        node = message.metadata.dst_node_id
        context = _context(node)
        reply = self._app(self._carried("to a member", message), context)
        self._answers[name] = self._carried("to the coordinator", reply)
        return name

    def _carried(self, direction: str, message: Message) -> Message:
        data = message_to_proto(message).SerializeToString()
        self._tap(direction, data)
        return message_from_proto(MessageProto.FromString(data))


def _context(node: int) -> Context:
    """What a program is told of where it runs; members are numbered from 1."""
    config = {PARTITION: node - 1} if node else {}
    return Context(run_id=1, node_id=node, node_config=config, state=RecordDict(), run_config={})
