"""A transformer's shape, and what follows from it: parameters, and bytes of cache a token."""

from typing import Literal

import msgspec


class Architecture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Numbers of a decoder's `config.json`, under plain names."""

    kind: Literal["dense", "moe"]
    model_class: str
    """The class that `config.json` names; what an engine has to know."""
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    """Fewer than `heads`: grouped-query attention."""
    head_dim: int
    intermediate: int
    """Width of the feed-forward block, of one expert if there are experts."""
    vocabulary: int
    experts: int = 0
    experts_active: int = 0
    """Experts a token passes through."""
    gated: bool = True
    """Whether the feed-forward block has three matrices (SwiGLU and its kind) or two."""
    tied: bool = False
    """Whether input and output embedding are one matrix."""
    source: str

    @property
    def embedding_parameters(self) -> int:
        """Of input and output embedding; one matrix if they are tied."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All of them, but norms and biases (under one in a thousand)."""
        return self._with_experts(max(1, self.experts))

    @property
    def active_parameters(self) -> int:
        """Those a token passes through."""
        return self._with_experts(max(1, self.experts_active))

    def _with_experts(self, experts: int) -> int:
        attention = 2 * self.hidden * self.head_dim * (self.heads + self.kv_heads)
        block = (3 if self.gated else 2) * self.hidden * self.intermediate
        router = self.hidden * self.experts
        return self.layers * (attention + experts * block + router) + self.embedding_parameters

    def kv_bytes_per_token(self, element_bytes: int = 2, tensor_parallel: int = 1) -> int:
        """Bytes that one token's keys and values take on one GPU.

        Two vectors of `head_dim` for each key-value head of each layer. With more GPUs than
        key-value heads each head is held more than once.

        Source: Ainslie et al., "GQA", arXiv 2305.13245; the split over GPUs: vLLM's
        `ModelConfig.get_num_kv_heads`.
        """
        heads_here = max(1, self.kv_heads // tensor_parallel)
        return 2 * self.layers * heads_here * self.head_dim * element_bytes

    def splits(self, tensor_parallel: int) -> bool:
        """Whether engines can share its layers among so many GPUs.

        Source: vLLM's `ModelConfig.verify_with_parallel_config` (attention heads) and its llama
        layers (key-value heads divide or are divided; feed-forward columns divide).
        """
        many, few = max(self.kv_heads, tensor_parallel), min(self.kv_heads, tensor_parallel)
        return (
            self.heads % tensor_parallel == 0
            and many % few == 0
            and self.intermediate % tensor_parallel == 0
        )
