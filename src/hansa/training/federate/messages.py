# pyright: basic, reportMissingImports=false
"""What is on the wire between a member and the coordinator, and nothing else may be.

To a member: the adapter and the number of the round. From a member: an update of the adapter and
a count, or an error of one fixed sentence. Source: Flower's message API.
"""

from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict

from hansa.core.errors import UserError
from hansa.training.federate.updates import Arrays

ADAPTER, ROUND, UPDATE, COUNT = "adapter", "round", "update", "count"
COUNT_STEP = 10
"""Counts are told in tens."""
FAILED = "the member could not train"
FAILED_CODE = 1


def ask(arrays: Arrays, number: int, node: int) -> Message:
    """The coordinator's message of one round."""
    content = RecordDict({ADAPTER: _record(arrays), ROUND: ConfigRecord({ROUND: number})})
    return Message(content=content, message_type="train", dst_node_id=node)


def asked(message: Message) -> tuple[Arrays, int]:
    """What a member was asked."""
    return _arrays(message.content[ADAPTER]), int(message.content[ROUND][ROUND])


def answer(update: Arrays, pairs: int, message: Message) -> Message:
    """All that a member ever tells of a round."""
    told = pairs // COUNT_STEP * COUNT_STEP
    content = RecordDict({UPDATE: _record(update), COUNT: MetricRecord({COUNT: told})})
    return Message(content=content, reply_to=message)


def failure(message: Message) -> Message:
    """An error without what went wrong, which could quote a pair."""
    return Message(Error(FAILED_CODE, FAILED), reply_to=message)


def answered(message: Message) -> Arrays:
    """The update of an answer. Raises UserError: it is an error, or holds anything else."""
    if message.has_error():
        raise UserError("a member could not train")
    content = message.content
    if set(content) != {UPDATE, COUNT}:
        raise UserError("an answer holds something else than an update and a count")
    update, count = content[UPDATE], content[COUNT]
    if not isinstance(update, ArrayRecord) or not isinstance(count, MetricRecord):
        raise UserError("an answer is not of arrays and a number")
    if set(count) != {COUNT}:
        raise UserError("an answer counts something else")
    return _arrays(update)


def _record(arrays: Arrays) -> ArrayRecord:
    return ArrayRecord({name: Array(each) for name, each in arrays.items()})


def _arrays(record: Any) -> Arrays:
    """Raises UserError: a part is not an array that numpy reads without running anything."""
    try:
        return {name: np.asarray(each.numpy()) for name, each in record.items()}
    except (ValueError, TypeError, EOFError) as error:
        raise UserError("an array cannot be read") from error
