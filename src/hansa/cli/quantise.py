"""`hansa quantise`: pack a trained model, and say what each packing costs."""

from pathlib import Path

import click

from hansa.cli.output import print_json
from hansa.cli.table import print_table
from hansa.cli.train import require_libraries


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--to", "packings", multiple=True, default=("q8_0", "q4_1"), show_default=True,
              type=click.Choice(["q8_0", "q4_1", "q4_0"]), help="May be repeated.")  # fmt: skip
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def quantise(run: Path, packings: tuple[str, ...], state_dir: Path | None, as_json: bool) -> None:
    """Merge RUN's adapter into its base as GGUF, and measure the loss of each packing."""
    require_libraries()
    from hansa.core.files import user_state_dir
    from hansa.models.catalog import card_of
    from hansa.models.store import ModelStore
    from hansa.training.quantise import quantise as pack
    from hansa.training.record import read_record

    base = ModelStore(state_dir or user_state_dir()).require(card_of(read_record(run).recipe.base))
    found = pack(run, base, packings)  # type: ignore[arg-type]  click checked the names
    if as_json:
        print_json(found)
        return
    rows = [(each.name, f"{each.bytes / 1e6:.1f} MB", f"{each.held_out:.4f}") for each in found]
    print_table(("packing", "size", "held-out loss"), rows)
