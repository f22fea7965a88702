"""A run on disk."""

from pathlib import Path

import pytest

from hansa.core.errors import ConfigError, Conflict, NotFound
from hansa.evals.store import SAMPLES, Store, choose_folder, find_run, read_run, runs_folder

from .samples import sample, settings


def test_what_was_added_is_there_when_the_run_goes_on(tmp_path: Path):
    with Store(tmp_path, settings()) as store:
        store.add(sample("a", exact=True))
        store.add(sample("a", 1, exact=False))
    with Store(tmp_path, settings()) as store:
        assert store.samples.keys() == {("a", 0), ("a", 1)}
        assert store.samples["a", 0] == sample("a", exact=True)


@pytest.mark.parametrize("half", [b'{"task_id":"b"', b"{", b'{"x":"' + b"y" * 200_000])
def test_a_line_cut_in_half_is_taken_away(tmp_path: Path, half: bytes):
    with Store(tmp_path, settings()) as store:
        store.add(sample("a"))
    whole = (tmp_path / SAMPLES).read_bytes()
    (tmp_path / SAMPLES).write_bytes(whole + half)
    assert [each.task_id for each in read_run(tmp_path)[1]] == ["a"]
    with Store(tmp_path, settings()) as store:
        assert (tmp_path / SAMPLES).read_bytes() == whole
        store.add(sample("b"))
    assert [each.task_id for each in read_run(tmp_path)[1]] == ["a", "b"]


def test_a_file_that_is_only_half_a_line_is_emptied(tmp_path: Path):
    with Store(tmp_path, settings()):
        pass
    (tmp_path / SAMPLES).write_bytes(b'{"task')
    with Store(tmp_path, settings()) as store:
        assert store.samples == {}
    assert (tmp_path / SAMPLES).read_bytes() == b""


def test_other_settings_do_not_mix(tmp_path: Path):
    with Store(tmp_path, settings()):
        pass
    with pytest.raises(ConfigError, match="other settings"), Store(tmp_path, settings(model="n")):
        pass


def test_two_processes_do_not_write_one_run(tmp_path: Path):
    with Store(tmp_path, settings()) as first:
        with pytest.raises(Conflict, match="another process"), Store(tmp_path, settings()):
            pass
        first.add(sample("a"))
    assert len(read_run(tmp_path)[1]) == 1


def test_a_whole_line_that_is_no_sample_is_said(tmp_path: Path):
    with Store(tmp_path, settings()):
        pass
    (tmp_path / SAMPLES).write_bytes(b"{}\n")
    with pytest.raises(ConfigError, match="line 1 is no sample"):
        read_run(tmp_path)


def test_a_run_goes_on_until_it_is_over(tmp_path: Path):
    first = choose_folder(tmp_path, settings())
    with Store(first, settings()) as store:
        assert choose_folder(tmp_path, settings()) == first
        assert choose_folder(tmp_path, settings(), anew=True) != first
        assert choose_folder(tmp_path, settings(samples=2)) != first
        store.finish({"done": True})
    second = choose_folder(tmp_path, settings())
    assert second != first


def test_runs_are_found_by_name_and_by_folder(tmp_path: Path):
    folder = runs_folder(tmp_path) / "one"
    with Store(folder, settings()):
        pass
    assert find_run(tmp_path, "one") == folder
    assert find_run(tmp_path, str(folder)) == folder
    with pytest.raises(NotFound, match="no run two"):
        find_run(tmp_path, "two")
