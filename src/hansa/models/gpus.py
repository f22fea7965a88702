"""GPUs that plans are made for: memory, its speed, and what FP8 they know."""

import re
from dataclasses import dataclass
from typing import Literal

from hansa.core.errors import UserError

Fp8 = Literal["full", "weights"]
"""`full`: computes in FP8. `weights`: keeps weights in FP8 and computes in 16 bits.

Source: vLLM's documentation of FP8 (W8A8 from compute capability 8.9 and on MI300X; weights alone,
by Marlin, from 8.0).
"""

COUNT_MAX = 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gpu:
    id: str
    name: str
    memory_mib: int
    """As `nvidia-smi` or `rocm-smi` report it, which is less than the box says."""
    bandwidth_gb_per_s: int
    """Of its memory, in 10^9 bytes."""
    fp8: Fp8
    maker: Literal["nvidia", "amd"] = "nvidia"

    @property
    def memory_bytes(self) -> int:
        return self.memory_mib * MIB


GPUS = {
    gpu.id: gpu
    for gpu in (
        Gpu("b200", "NVIDIA B200 SXM", 183_359, 8000, "full"),
        Gpu("mi300x", "AMD Instinct MI300X", 196_592, 5300, "full", "amd"),
        Gpu("h200", "NVIDIA H200 SXM", 143_771, 4800, "full"),
        Gpu("h100", "NVIDIA H100 SXM", 81_559, 3350, "full"),
        Gpu("a100-80", "NVIDIA A100 80GB SXM", 81_920, 2039, "weights"),
        Gpu("a100-40", "NVIDIA A100 40GB SXM", 40_960, 1555, "weights"),
        Gpu("l40s", "NVIDIA L40S", 46_068, 864, "full"),
        Gpu("rtx4090", "NVIDIA GeForce RTX 4090", 24_564, 1008, "full"),
        Gpu("l4", "NVIDIA L4", 23_034, 300, "full"),
        Gpu("a10", "NVIDIA A10", 23_028, 600, "weights"),
    )
}
"""Source: bandwidth from the makers' data sheets, memory from what the tools print for the card."""


@dataclass(frozen=True, slots=True)
class GpuSet:
    gpu: Gpu
    count: int

    def __str__(self) -> str:
        return f"{self.gpu.id}:{self.count}"


def parse_gpus(text: str) -> GpuSet:
    """Read `h100` or `h100:8`.

    Raises:
        UserError: no such GPU, or no count from 1 to 1024.
    """
    match = re.fullmatch(r"([a-z0-9-]{1,32})(?::([0-9]{1,4}))?", text.strip().lower())
    gpu = GPUS.get(match[1]) if match else None
    if match is None or gpu is None:
        raise UserError(
            f"{text!r} is no set of GPUs known here",
            hint=f"write it like h100:8; known are {', '.join(GPUS)}",
        )
    count = int(match[2] or 1)
    if not 1 <= count <= COUNT_MAX:
        raise UserError(f"{text!r} asks for {count} GPUs", hint=f"1 to {COUNT_MAX}")
    return GpuSet(gpu, count)
