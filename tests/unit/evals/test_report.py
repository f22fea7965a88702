"""What samples amount to, compared and beside claims."""

from pathlib import Path

import pytest

from hansa.core.errors import ConfigError, UserError
from hansa.evals.comparison import compare, measure_of
from hansa.evals.question import Answer
from hansa.evals.report import report, values_of
from hansa.evals.store import RESULT, Sample, Store, runs_folder
from hansa.evals.table import finished, table
from hansa.models.catalog import catalog

from .samples import question, sample, settings


def test_independent_questions_get_wilsons_interval():
    samples = [sample(str(n), passed=n < 10) for n in range(164)]
    measured = report("r", settings(), samples).measure("pass@1")
    assert measured
    assert (measured.right, measured.of, measured.method) == (10, 164, "Wilson")
    assert measured.mean == pytest.approx(10 / 164)


def test_questions_of_one_problem_are_drawn_together():
    samples = [
        sample(f"{g}/{n}", group=str(g), exact=g < 5, similarity=0.5)
        for g in range(10)
        for n in range(4)
    ]
    done = report("r", settings(), samples)
    exact, similar = done.measure("exact"), done.measure("similarity")
    assert exact
    assert similar
    assert (exact.right, exact.method) == (20, "bootstrap over 10 groups")
    assert similar.right is None
    assert (similar.low, similar.mean, similar.high) == (0.5, 0.5, 0.5)
    assert done.measure("pass@1") is None


def test_more_samples_make_pass_at_k_possible():
    samples = [sample(str(n), number, passed=number < n) for n in range(3) for number in range(10)]
    done = report("r", settings(samples=10), samples)
    one, ten = done.measure("pass@1"), done.measure("pass@10")
    assert one
    assert ten
    assert one.mean == pytest.approx((0 + 0.1 + 0.2) / 3)
    assert ten.mean == pytest.approx(2 / 3)
    assert done.measure("pass@100") is None


def test_times_and_tokens_and_the_catalogs_price():
    counted = Answer(text="x", ttft_ms=5.0, total_ms=9.0, prompt_tokens=700, completion_tokens=300)
    first = sample("a", exact=True)
    samples = [Sample(task_id="a", group="a", answer=counted, score=first.score)]
    done = report("r", settings(model="mistral-large-2"), samples)
    assert (done.times.ttft_ms_p95, done.times.answer_ms_p50) == (5.0, 9.0)
    assert (done.cost.prompt_tokens, done.cost.completion_tokens) == (700, 300)
    assert done.cost.nanousd == 2_500_000
    assert done.cost.nanousd_per_mtok == 2_500_000_000
    assert not done.cost.estimated


def test_tokens_that_nobody_counted_are_estimated_and_no_price_is_none():
    done = report("r", settings(), [sample("abcdef")], [question("abcdef")])
    assert done.cost.estimated
    assert done.cost.prompt_tokens == 2
    assert done.cost.nanousd is None


def test_a_better_run_is_told_from_a_luckier_one():
    bad = [sample(str(n), exact=n < 20, similarity=0.2) for n in range(100)]
    good = [sample(str(n), exact=n < 45, similarity=0.4) for n in range(100)]
    done = compare(bad, good, measure_of(bad, good))
    assert (done.measure, done.a, done.b, done.real) == ("exact", 0.2, 0.45, True)
    assert (done.better, done.worse, done.left_out) == (25, 0, 0)
    lucky = compare(bad, [*bad[:20], sample("20", exact=True), *bad[21:]], "exact")
    assert not lucky.real
    assert compare(bad, good[:90], "exact").left_out == 10


def test_runs_of_different_benchmarks_are_not_compared():
    with pytest.raises(UserError, match="no measure in common"):
        measure_of([sample("a", exact=True)], [sample("b", passed=True)])
    with pytest.raises(UserError, match="share no question"):
        compare([sample("a", exact=True)], [sample("b", exact=True)], "exact")


def test_values_are_means_over_samples():
    samples = [sample("a", 0, passed=True), sample("a", 1, passed=False), sample("b")]
    assert values_of(samples, "pass") == {"a": 0.5}


def _finished(state: Path, name: str, passed: int, **given: object) -> None:
    with Store(runs_folder(state) / name, settings(benchmark="humaneval", **given)) as store:
        samples = [sample(str(n), passed=n < passed) for n in range(4)]
        store.finish(report(name, store.settings, samples))


def test_claimed_scores_are_beside_measured_ones(tmp_path: Path):
    _finished(tmp_path, "1", 1, model="gpt-4o")
    _finished(tmp_path, "2", 3, model="gpt-4o", samples=1)
    _finished(tmp_path, "3", 4, model="gpt-4o", options={"limit": 4})
    rows = {row.model: row for row in table(catalog().values(), finished(tmp_path))}
    assert rows["gpt-4o"].claimed == {"MMLU": 88.7, "HumanEval": 90.2}
    assert rows["gpt-4o"].measured == {"HumanEval": 75.0}
    assert rows["smollm2-135m-instruct"].measured == {"HumanEval": 6.1}
    assert rows["gpt-4o"].output_nanousd_per_mtok == 5_000_000_000


def test_a_result_that_cannot_be_read_is_named(tmp_path: Path):
    _finished(tmp_path, "1", 1)
    (runs_folder(tmp_path) / "1" / RESULT).write_bytes(b"{")
    with pytest.raises(ConfigError, match="cannot read"):
        finished(tmp_path)
