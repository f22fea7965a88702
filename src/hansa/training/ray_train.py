# pyright: basic, reportMissingImports=false
"""The same recipe on several machines, by Ray Train.

Each worker runs `stage1.run` in a process group that Ray has made; the run's folder and the corpus
lie on storage that all of them see.
"""

import os
from pathlib import Path
from typing import Any

from hansa.models.profile import Profile
from hansa.training.recipe import Recipe
from hansa.training.record import Record, read_record


def run_on_ray(
    recipe: Recipe,
    profile: Profile,
    weights: Path,
    corpus: Path,
    folder: Path,
    *,
    workers: int,
    gpu: bool,
    teacher: Path | None = None,
) -> Record:
    """Train on `workers` processes of the Ray cluster that `RAY_ADDRESS` names, or one made here.

    Raises whatever a worker raised.
    """
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    folder.mkdir(parents=True, exist_ok=True)
    ray.init(
        address=os.environ.get("RAY_ADDRESS"), include_dashboard=None, log_to_driver=False,
        ignore_reinit_error=True,
    )  # fmt: skip
    try:
        TorchTrainer(
            _work,
            train_loop_config={
                "recipe": recipe, "profile": profile, "weights": weights, "corpus": corpus,
                "folder": folder, "teacher": teacher,
            },
            scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpu),
            run_config=RunConfig(storage_path=str((folder / "ray").resolve()), name="run"),
        ).fit()  # fmt: skip
    finally:
        ray.shutdown()
    return read_record(folder)


def _work(config: dict[str, Any]) -> None:
    from hansa.training.stage1 import run

    run(
        config["recipe"], config["profile"], config["weights"], config["corpus"], config["folder"],
        lambda _step, _loss, _speed: None, config["teacher"],
    )  # fmt: skip
