"""The item source that a job's ``dataset`` names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from binpack.files import FileError, InputError, read_json
from binpack.items.sources import KNOWN, named_items
from binpack.search.action.faults import Fault
from binpack.search.action.job import Draft, Params


def resolve_dataset(dataset: str | int, registry: str) -> str:
    """Return the item source that a job's ``dataset`` names.

    Args:
        dataset: an item source, or its number in the registry.
        registry: a JSON file from numbers to item sources, such as ``{"1": "random:2-5", "2": "parcels.csv"}``; a file
            that it names lies beside it.

    Raises:
        FileError: the number cannot be looked up.
    """
    if isinstance(dataset, str):
        return dataset
    known = read_json(registry, "a registry of datasets")
    found = known.get(str(dataset))
    if not isinstance(found, str):
        raise FileError(f"{registry}: no dataset {dataset}; there is {', '.join(known) or 'none'}")
    beside = Path(registry).parent / found
    return str(beside) if beside.is_file() else found


def check_dataset(draft: Draft) -> Iterator[Fault]:
    """Look whether a job's dataset is there; what is in a file is for whoever opens it."""
    dataset = draft.params.get("dataset")
    registry = draft.text("dataset_registry", Params.model_fields["dataset_registry"].default)
    if isinstance(dataset, bool) or not isinstance(dataset, str | int) or dataset == "" or registry is None:
        return
    try:
        found = resolve_dataset(dataset, registry)
        # a file of several problems: "thpack1.txt#3"
        files = [each for each in (found, found.rpartition("#")[0]) if each]
        if named_items(found) is None and not any(Path(each).is_file() for each in files):
            yield Fault("params.dataset", f"{found!r} is neither a file nor the name of items; expected {KNOWN}")
    except (InputError, OSError) as error:
        yield Fault("params.dataset", str(error))
