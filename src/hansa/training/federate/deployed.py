# pyright: basic, reportMissingImports=false
"""The programs for Flower's deployment: `hansa.training.federate.deployed:member`, `:coordinator`.

Each says in its own configuration where things are: a member's SuperNode by `--node-config`, the
coordinator by the run's configuration. Nothing that the coordinator says chooses a member's files.
"""

from pathlib import Path

from flwr.app import Context

from hansa.training.federate.apps import Place, coordinator_app, member_app
from hansa.training.federate.home import adapt
from hansa.training.federate.keeping import keep
from hansa.training.federate.plan import Plan, read_plan
from hansa.training.federate.updates import Arrays
from hansa.training.recipe import PLAIN_CHAT


def _place(context: Context) -> Place:
    said = context.node_config
    plan = read_plan(Path(str(said["plan"])))
    return Place(plan, Path(str(said["weights"])), PLAIN_CHAT, Path(str(said["home"])))


def _plan(context: Context) -> Plan:
    return read_plan(Path(str(context.run_config["plan"])))


def _begin(context: Context) -> Arrays:
    return adapt(_plan(context), Path(str(context.run_config["weights"])), PLAIN_CHAT).arrays()


def _done(context: Context, arrays: Arrays) -> None:
    said = context.run_config
    adapted = adapt(_plan(context), Path(str(said["weights"])), PLAIN_CHAT)
    keep(adapted, arrays, Path(str(said["out"])))


# Flower names a program by its module and attribute, so these two are made here.
member = member_app(_place)
coordinator = coordinator_app(_plan, _begin, _done)
