"""The file of the recorded study: what is written is read, and what is none of these is said in one line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binpack.files import FileError
from binpack.search.landscape import store

numbers = st.one_of(st.none(), st.floats(-1e6, 1e6))


@st.composite
def some_rows(draw: st.DrawFn) -> list[dict]:
    rows = []
    for seed in range(draw(st.integers(1, 4))):
        row = {"group": draw(st.sampled_from(["study", "default"])), "config": draw(st.integers(0, 300))}
        row |= {"task": "cut", "seed": seed, "test": draw(st.floats(0, 1)), "diverged": draw(st.booleans())}
        for name in store.CURVES:
            row[name] = draw(st.lists(numbers, min_size=3, max_size=3))
        row["steps"] = draw(st.lists(st.integers(0, 10**6), min_size=3, max_size=3))
        rows.append(row)
    return rows


@given(some_rows())
def test_what_is_written_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("study") / "study.npz"
    store.write(path, {"command": "x"}, rows, names=np.array(["a", "b"]))
    about, arrays = store.read(path)
    assert about == {"command": "x", "version": store.VERSION} and arrays["names"].tolist() == ["a", "b"]
    for row, found in zip(rows, store.rows(arrays), strict=True):
        assert [found[name] for name in store.KEY] == [row[name] for name in store.KEY]
        assert found["diverged"] == row["diverged"] and found["steps"] == row["steps"]
        assert found["test"] == pytest.approx(row["test"], rel=1e-6)
        for name in ("utilization", "seconds", "approx_kl"):
            kept = [np.nan if value is None else value for value in row[name]]
            assert found[name] == pytest.approx(kept, rel=5e-4, abs=1e-30, nan_ok=True)


def test_reading_and_writing_again_changes_nothing(tmp_path):
    row = {"group": "study", "config": 3, "task": "cut", "seed": 1, "test": 0.7, "diverged": False}
    row |= {name: [0.123456, 7.7e-9, None] for name in store.CURVES} | {"steps": [1, 2, 3]}
    store.write(tmp_path / "a.npz", {}, [row])
    store.write(tmp_path / "b.npz", {}, store.rows(store.read(tmp_path / "a.npz")[1]))
    one, two = (store.read(tmp_path / name)[1] for name in ("a.npz", "b.npz"))
    assert all(np.array_equal(one[name], two[name], equal_nan=one[name].dtype.kind == "f") for name in one)


def test_what_is_no_study_is_said(tmp_path):
    with pytest.raises(FileError, match="none.npz: no such file"):
        store.read(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    with pytest.raises(FileError, match=r"bad.npz: not a recorded study \("):
        store.read(tmp_path / "bad.npz")
    np.savez(tmp_path / "other.npz", about=np.array('{"version": 1}'), group=np.array(["a"]))
    with pytest.raises(FileError, match="other.npz: not a recorded study that can be read here .it has no config."):
        store.read(tmp_path / "other.npz")
    np.savez(tmp_path / "objects.npz", about=np.array([{}], dtype=object))
    with pytest.raises(FileError, match="objects.npz: not a recorded study"):
        store.read(tmp_path / "objects.npz")
