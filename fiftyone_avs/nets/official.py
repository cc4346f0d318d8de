"""What all networks with an official checkpoint have in common."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class OfficialNetwork(nn.Module):
    """A network that loads the checkpoint of its authors.

    Build it anywhere: a subclass computes its constants (position codes, masks) in ``forward`` or keeps
    them in buffers that are not part of the checkpoint.
    """

    @classmethod
    def own_state(cls, official: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state dict of this module from the official one, whose documented prefix is stripped.

        Networks with official keys return it as it is. The others rename keys, and leave out those that
        hold nothing to learn (filter banks, masks, index tables). Keys that they do not know stay as they
        are, so that a strict load reports them.
        """
        return dict(official)
