# pyright: basic, reportMissingImports=false
"""A run's losses as a picture."""

from pathlib import Path

from hansa.training.record import losses_of

SMOOTHED_OVER = 20


def draw_losses(folder: Path) -> Path:
    """Write `losses.png` from what the run noted; returns its path."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    seen = list(losses_of(folder))
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    steps = [each.step for each in seen]
    axes.plot(steps, [each.loss for each in seen], color="0.85", label="each step")
    axes.plot(steps, _smoothed([each.loss for each in seen]), label=f"mean of {SMOOTHED_OVER}")
    held = [(each.step, each.held_out) for each in seen if each.held_out is not None]
    if held:
        axes.plot(*zip(*held, strict=True), "o-", label="held out")
    axes.set(xlabel="step", ylabel="loss of what is missing (nats a token)")
    axes.legend()
    target = folder / "losses.png"
    figure.savefig(target, dpi=120)
    plt.close(figure)
    return target


def _smoothed(values: list[float]) -> list[float]:
    latest = (values[max(0, at - SMOOTHED_OVER + 1) : at + 1] for at in range(len(values)))
    return [sum(each) / len(each) for each in latest]
