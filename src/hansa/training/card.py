"""A trained model's card, and what it was trained on, from the run's own data alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from hansa.core.digests import sha256_hex
from hansa.core.errors import ConfigError, IntegrityError, NotFound
from hansa.evals.report import values_of
from hansa.models.catalog import Card, Score, card_of
from hansa.models.data import Data, DataSource
from hansa.models.fetching import digest_of
from hansa.models.recipe import Recipe as Launch
from hansa.models.weights import Adapted
from hansa.training.corpus.manifest import NAME as MANIFEST
from hansa.training.corpus.manifest import read_manifest
from hansa.training.promotion.runs import Run, whole_runs
from hansa.training.record import Record, read_record

NAME = "card.toml"
MERGED = "merged-q8_0.gguf"
"""As the catalog's adapters are merged; `hansa quantise` writes it."""
ADAPTER = "adapter.gguf"

BENCHMARKS = {
    "humaneval": ("HumanEval", "pass"),
    "infill-single-line": ("single-line", "exact"),
    "infill-multi-line": ("multi-line", "exact"),
    "infill-random-span": ("random-span", "exact"),
    "repository": ("repository", "exact"),
    "mmlu": ("MMLU", "exact"),
}
"""Ours to the card's name, and the measure that counts."""


def card_of_run(run: Path, model: str, state_dir: Path, corpus: Path | None = None) -> Card:
    """The card of the adapter that `run` made, called `model`.

    Scores are those of whole runs of `hansa eval` in `state_dir` since the training ended.

    Raises:
        NotFound: no ended run, no merged weights, or a base that the catalog does not know.
        IntegrityError: the corpus is not the one that the run was trained on.
    """
    record = read_record(run)
    base = card_of(record.recipe.base)
    return Card(
        id=model,
        name=model,
        summary=f"{base.name}, adapted by the recipe {record.recipe.name}.",
        maker=f"Hansa, from a base by {base.maker}",
        parameters=base.parameters,
        active_parameters=base.active_parameters,
        licence=base.licence,
        licence_note=base.licence_note,
        weights=_weights(run, model, record, base),
        profile=msgspec.structs.replace(base.profile, fim=record.recipe.fim.tokens),
        architecture=base.architecture,
        recipe=Launch(
            engine=base.recipe.engine,
            also=base.recipe.also,
            max_model_len=base.recipe.max_model_len,
        ),
        scores=tuple(_scores(model, state_dir, (run / "run.json").stat().st_mtime)),
        data=data_of(corpus, record) if corpus else None,
    )


def data_of(corpus: Path, record: Record) -> Data:
    """What a card says of a corpus. Raises IntegrityError if the run was trained on another."""
    manifest = read_manifest(corpus)
    digest = sha256_hex((corpus / MANIFEST).read_bytes())
    if digest != record.corpus_sha256:
        raise IntegrityError(f"the run was trained on another corpus than {corpus}")
    licences: dict[str, int] = {}
    for each in manifest.sources:
        if each.kept:
            licences[each.licence] = licences.get(each.licence, 0) + each.kept
    return Data(
        manifest_sha256=digest,
        documents=manifest.kept,
        text_bytes=manifest.text_bytes,
        replaced=sum(manifest.replaced().values()),
        evals_texts=manifest.settings.evals_texts,
        evals_sha256=manifest.settings.evals_sha256,
        licences=dict(sorted(licences.items(), key=lambda item: (-item[1], item[0]))),
        sources=tuple(
            DataSource(
                name=each.name, version=each.version, licence=each.licence, documents=each.kept,
                text_bytes=each.text_bytes, sha256=each.sha256,
            )
            for each in manifest.sources
            if each.kept
        ),
    )  # fmt: skip


def _weights(run: Path, model: str, record: Record, base: Card) -> Adapted:
    merged, adapter = run / MERGED, run / ADAPTER
    if ADAPTER not in record.files or not merged.is_file():
        raise NotFound(
            f"{run} has no {MERGED}, whose digest a card names", hint=f"run: hansa quantise {run}"
        )
    digest = digest_of(adapter)
    if digest != record.files[ADAPTER]:
        raise IntegrityError(f"{adapter} is not what the run made")
    return Adapted(
        base=base.id,
        adapter=f"{model}/{ADAPTER}",
        adapter_sha256=digest,
        file=f"{model}.Q8_0.gguf",
        sha256=digest_of(merged),
        bytes=merged.stat().st_size,
    )


def _scores(model: str, state_dir: Path, since_s: float) -> Iterator[Score]:
    for benchmark, (name, measure) in BENCHMARKS.items():
        for run in whole_runs(state_dir, benchmark, model):
            values = values_of(run.samples, measure)
            if run.ended_s >= since_s and values:
                percent = round(100 * sum(values.values()) / len(values), 1)
                yield Score(name, percent, "measured", _source(run, values))
                break


def _source(run: Run, values: dict[str, float]) -> str:
    """How it was measured, in a sentence: the settings of the run."""
    settings = run.settings
    drawn = settings.sampling
    how = "greedy" if not drawn.temperature else f"temperature {drawn.temperature:g}"
    options = [f"{name} {value}" for name, value in sorted(settings.options.items())]
    count = f"{sum(values.values()):g} of {len(values)}"
    return ", ".join([f"hansa eval {settings.hansa}: {count}", how, *options])


def card_toml(card: Card) -> str:
    """The card as the catalog's files have it; reading it back gives the same card."""
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(card))
    defaults = {each.name: each.default for each in msgspec.structs.fields(Card)}
    kept = {name: value for name, value in fields.items() if value not in (None, "", [], ())}
    kept = {name: value for name, value in kept.items() if value != defaults[name]}
    text = "".join(_table(kept, ""))
    if msgspec.toml.decode(text, type=Card) != card:
        raise ConfigError(f"the card of {card.id} cannot be written as TOML")
    return text


def _table(table: dict[str, Any], place: str) -> Iterator[str]:
    """Plain values first, then tables, then lists of tables."""
    tables: dict[str, dict[str, Any]] = {
        name: each for name, each in table.items() if isinstance(each, dict)
    }
    lists: dict[str, list[dict[str, Any]]] = {
        name: each for name, each in table.items() if _is_tables(each)
    }
    for name, value in table.items():
        if value is not None and name not in tables and name not in lists:
            yield f"{_key(name)} = {json.dumps(value)}\n"
    for name, each in tables.items():
        yield f"\n[{place}{_key(name)}]\n"
        yield from _table(each, f"{place}{_key(name)}.")
    for name, many in lists.items():
        for each in many:
            yield f"\n[[{place}{_key(name)}]]\n"
            yield from _table(each, f"{place}{_key(name)}.")


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else json.dumps(name)


def _is_tables(value: Any) -> bool:
    values = cast("list[Any]", value) if isinstance(value, list) else []
    return bool(values) and all(isinstance(each, dict) for each in values)
