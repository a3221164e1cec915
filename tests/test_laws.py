"""Every law of `seqjax.testing`, for every layer that it is about."""

import pytest
from discovered import IN, LAYERS

from seqjax.testing import LAWS

CASES = [
    pytest.param(
        law, layer, id=f"{law.name}-{name}", marks=pytest.mark.xdist_group(name)
    )
    for name, layer in LAYERS.items()
    for law in LAWS.values()
    if law.about(layer)
]


@pytest.mark.parametrize(("law", "layer"), CASES)
def test_law(law, layer):
    law(layer, IN)


def test_every_law_has_a_sentence_and_a_layer():
    for law in LAWS.values():
        assert law.statement.endswith(".")
        assert any(law.about(layer) for layer in LAYERS.values()), law.name
