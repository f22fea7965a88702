"""Names and ids."""

import pytest

from hansa.core.errors import ConfigError
from hansa.core.ids import check_name, new_request_id


def test_request_ids_differ():
    ids = {new_request_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(each) == 36 for each in ids)


@pytest.mark.parametrize("name", ["a", "a1", "smollm2-135m", "a.b_c-d", "9", "a" * 64])
def test_names(name: str):
    assert check_name(name, "member") == name


@pytest.mark.parametrize(
    "name", ["", "A", "-a", "a-", ".", "a b", "a/b", "é", "a\n", "a" * 65, "a\x00"]
)
def test_no_names(name: str):
    with pytest.raises(ConfigError, match="is no name for a member") as caught:
        check_name(name, "member")
    assert caught.value.hint
