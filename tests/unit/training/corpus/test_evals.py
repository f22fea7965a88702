"""What `hansa eval` asks is kept out of what is learnt."""

from hansa.evals.packages import HELD_OUT
from hansa.training.corpus.evals import without_held_out
from hansa.training.corpus.optout import OptOut


def test_held_out_packages_opt_out_of_every_corpus():
    left_out = without_held_out(OptOut(names=frozenset({"mine"})))
    assert left_out.takes_source("mine")
    assert all(left_out.takes_source(each.name) for each in HELD_OUT)
    assert without_held_out(None).takes_source("Celery")
    assert not without_held_out(None).takes_source("networkx")
