"""The ``run`` that an entrypoint is handed: what it tells of itself, and where it leaves its model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from binpack import stopping
from binpack.files import InputError, read_json, write_json, write_text
from binpack.search._model import SearchError
from binpack.search.action.names import encode
from binpack.search.action.result import Report, as_report, plain_metrics

Event = dict[str, Any]
"""What happened, as JSON: ``event`` says what, and ``trial_id`` in which trial, if in one."""


_REPORTS, _CHECKPOINT = "reports.jsonl", "checkpoint.json"


class StopTrial(BaseException):
    """The scheduler ends this trial early; no ``Exception``, so that no handler of the entrypoint's own keeps it."""


class Channel(Protocol):
    """Where a run's events and reports go: to the engine."""

    def event(self, event: Event) -> None:
        """Tell that something happened."""
        ...

    def report(self, metrics: Mapping[str, Any]) -> bool:
        """Hand over a report on the way; return whether the trial is to end here."""
        ...


class Run:
    """One training run from the inside.

    Args:
        folder: its own, which is there.
        trial_id: of the trial that it is; None for a run that is no trial.
        metric: what trials are compared by.
        channel: where its events and reports go.

    Attributes:
        folder: its own.
        trial_id: of the trial that it is, or None.
        reports: those on the way, in their order. A run that was killed has those up to its last checkpoint, from
            which it goes on; without one it begins again.
    """

    def __init__(self, folder: Path, trial_id: str | None, metric: str, channel: Channel) -> None:
        self.folder = folder
        self.trial_id = trial_id
        self.reports = _reports_before(folder)
        self._metric = metric
        self._channel = channel
        self._output = folder / "model"

    @property
    def checkpoint_output(self) -> Path:
        """Where the run leaves its model, a file or a folder: ``model`` in its folder, unless it sets another path."""
        return self._output

    @checkpoint_output.setter
    def checkpoint_output(self, path: str | Path) -> None:
        self._output = Path(path)

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint that was reported last, also before this run was killed and started again."""
        path = self.folder / _CHECKPOINT
        return Path(read_json(path, "a checkpoint's path")["checkpoint"]) if path.is_file() else None

    def report(self, result: Any) -> None:
        """Report on the way: schedulers look at it, and it is merged into the result.

        A report is the ``training_iteration`` of its number, unless it says another itself.

        Args:
            result: a dict of metrics, the metric as a number, or a ``Report``, whose checkpoint a trial goes on from
                after it was killed: it has to be whole by now, and nothing may change it before the next report.

        Raises:
            StopTrial: the trial ends here; to be let through.
            Interrupted: the end of the process was announced, and there is a checkpoint to go on from; the same.
        """
        report = as_report(result, self._metric)
        metrics = {"training_iteration": len(self.reports) + 1, **report.metrics}
        self.reports.append(Report(metrics, report.checkpoint, report.checkpoint_output))
        with (self.folder / _REPORTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
        if report.checkpoint is not None:
            kept = {"checkpoint": str(report.checkpoint), "reports": len(self.reports)}
            write_json(self.folder / _CHECKPOINT, kept)
        if self._channel.report(metrics):
            raise StopTrial
        if report.checkpoint is not None and stopping.asked():
            stopping.leave()

    def log_metric(
        self, category: str, key: str, value: Any, *, checkpoint: str | Path | None = None, **metrics: Any
    ) -> None:
        """Log numbers; where the metric that trials are compared by is among them, it is a report too.

            run.log_metric("train", "steps", 1000, score=0.61, loss=0.2)
            run.log_metric("evaluation", "score", 0.61)

        Args:
            category: what they belong to, such as ``train``.
            key: the first one's name, often what the others are counted by.
            value: its value.
            checkpoint: of the report, if it is one.
            **metrics: the others.

        Raises:
            StopTrial: the trial ends here; to be let through.
        """
        said = plain_metrics({key: value, **metrics})
        row = {"category": category, **said}
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self._tell("metric", category=category, metrics=said)
        if self._metric in said:
            self.report(Report(said, checkpoint))

    def log_visualization(self, group: str, image: Any) -> Path:
        """Keep a picture.

        Args:
            group: what it belongs to; its folder's name.
            image: a figure of ``binpack.plots``, of matplotlib or of plotly, a picture of pillow, an array of uint8
                (height, width[, 3]), or the path of a picture.

        Returns:
            The file: ``visualizations/GROUP/0001.png``, and ``.html`` of a figure of plotly.

        Raises:
            SearchError: nothing of these.
        """
        folder = self.folder / "visualizations" / encode(group)
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / f"{1 + len(list(folder.iterdir())):04d}"
        file = _save_picture(image, stem)
        self._tell("visualization", group=group, file=str(file))
        return file

    def log_trials(
        self,
        trials: Sequence[Mapping[str, Any]] | None = None,
        base: Sequence[str] = ("trial_id", "status"),
        hyperparameters: Sequence[str] = (),
        metrics: Sequence[str] = (),
        best_trial: str | None = None,
        *,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Show a table of trials, of a search of the entrypoint's own for example.

        Args:
            trials: a row for each, name to value.
            base: the columns that come first.
            hyperparameters: the columns of hyperparameters.
            metrics: the columns of metrics, of which four are shown.
            best_trial: the ``trial_id`` of the best.
            data: all of these in one object, in place of them.

        Raises:
            SearchError: neither trials nor data, or both.
        """
        if (trials is None) == (data is None):
            raise SearchError("log_trials takes either trials or data")
        parts = {"base": base, "hyperparameters": hyperparameters, "metrics": metrics, "best_trial": best_trial}
        given: Mapping[str, Any] = {"trials": trials, **parts} if data is None else data
        unknown = set(given) - {"trials", *parts}
        if unknown or "trials" not in given:
            wrong = f"there is no {', '.join(sorted(unknown))}" if unknown else "trials is required"
            raise SearchError(f"log_trials: {wrong}")
        columns = {name: list(given.get(name, ())) for name in ("base", "hyperparameters", "metrics")}
        rows = [plain_metrics(row) for row in given["trials"]]
        self._tell("trials", trials=rows, **columns, best_trial=given.get("best_trial"))

    def log(self, line: str) -> None:
        """Log a line; what the run prints and what Python's ``logging`` says goes the same way."""
        with (self.folder / "log.txt").open("a", encoding="utf-8") as file:
            file.write((f"[{self.trial_id}] " if self.trial_id else "") + line + "\n")
        self._tell("log", line=line)

    def progress(self, category: str, share: float) -> None:
        """Tell how far a part is.

        Args:
            category: ``dataset``, ``train`` or ``model_upload``.
            share: 0 to 1.

        Raises:
            SearchError: no such part, or no share.
        """
        if category not in ("dataset", "train", "model_upload"):
            raise SearchError(f"progress of {category!r}: expected dataset, train or model_upload")
        if not 0 <= share <= 1:
            raise SearchError(f"progress of {category} is {share}, expected a share from 0 to 1")
        self._tell("progress", category=category, share=float(share))

    def _tell(self, event: str, **facts: Any) -> None:
        self._channel.event({"event": event, "trial_id": self.trial_id, **facts})


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint that a run's last report had; None where that had none.

    Args:
        folder: of a run that waits for the answer to a report, or is no more.
    """
    path = folder / _CHECKPOINT
    if not path.is_file():
        return None
    kept = read_json(path, "a checkpoint's path")
    return Path(kept["checkpoint"]) if kept["reports"] == len(reports_of(folder)) else None


def reports_of(folder: Path) -> list[dict[str, Any]]:
    """Return the metrics of a run's reports so far."""
    path = folder / _REPORTS
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def take_over(folder: Path, checkpoint: Path, reports: Sequence[Mapping[str, Any]]) -> None:
    """Let the next run in a folder go on from another's checkpoint, as if that one's reports had been its own.

    Args:
        folder: of a run that is no more.
        checkpoint: to go on from.
        reports: the metrics of those up to the checkpoint.
    """
    write_text(folder / _REPORTS, "".join(f"{json.dumps(report)}\n" for report in reports))
    write_json(folder / _CHECKPOINT, {"checkpoint": str(checkpoint), "reports": len(reports)})


def _reports_before(folder: Path) -> list[Report]:
    """Return the reports up to the last checkpoint, and forget the others: they are made again."""
    path, checkpoint = folder / _REPORTS, folder / _CHECKPOINT
    count = int(read_json(checkpoint, "a checkpoint's path")["reports"]) if checkpoint.is_file() else 0
    lines = path.read_text(encoding="utf-8").splitlines()[:count] if path.is_file() else []
    write_text(path, "".join(f"{line}\n" for line in lines))
    return [Report(json.loads(line)) for line in lines]


def _save_picture(image: Any, stem: Path) -> Path:
    """Write a picture in the first form that fits it."""
    png, html = stem.with_suffix(".png"), stem.with_suffix(".html")
    if isinstance(image, str | Path):
        return _copied(Path(image), stem)
    if hasattr(image, "png") and hasattr(image, "plotly"):
        png.write_bytes(image.png())
        return png
    if hasattr(image, "savefig"):
        image.savefig(png)
        return png
    if hasattr(image, "write_html"):
        image.write_html(html)
        return html
    if hasattr(image, "__array_interface__") and not hasattr(image, "save"):
        from PIL import Image

        try:
            image = Image.fromarray(image)
        except (TypeError, ValueError) as error:
            raise SearchError(f"a picture as an array is of uint8 (height, width[, 3]): {error}") from None
    if hasattr(image, "save"):
        image.save(png)
        return png
    raise SearchError(f"a picture is a figure, a picture of pillow, an array or a path, not {type(image).__name__}")


def _copied(path: Path, stem: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: no such picture")
    return Path(shutil.copyfile(path, stem.with_suffix(path.suffix)))
