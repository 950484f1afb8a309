"""Lesson 05: the cheat sheet: one page, a row for each hyperparameter, with what the sweeps say of it.

    python -m binpack.course.l05_hyperparameters.cheat_sheet out.html

writes a page that needs nothing else and prints on one side of A4.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Sequence

from binpack.core.statistics import verdict
from binpack.course.l05_hyperparameters import results, sweeps
from binpack.course.l05_hyperparameters.claims import BANDS, single_changes
from binpack.course.l05_hyperparameters.knobs import ABOUT
from binpack.course.l05_hyperparameters.results import Sweeps, default_of, written
from binpack.course.l05_hyperparameters.worth import Worth, worths
from binpack.course.tables import Table
from binpack.files import FileError, InputError, write_text

_HEAD = (
    "hyperparameter",
    "default",
    "worth searching",
    "too low",
    "too high",
    "good here",
    "spread here",
    "tuned alone",
)


def table(record: Sweeps) -> Table:
    """Return the cheat sheet as a table, the hyperparameter that mattered most on top.

    Args:
        record: the sweeps.
    """
    order = sorted(worths(record), key=lambda each: -each.spread)
    return Table(_HEAD, [_row(each) for each in order], caption(record))


def _row(each: Worth) -> tuple[str, ...]:
    about = ABOUT[each.name]
    return (
        each.name,
        written(default_of(each.name)),
        about.search,
        about.low,
        about.high,
        ", ".join(written(value) for value in each.close),
        f"{each.spread:.3f}",
        f"{each.gain.difference:+.3f} {each.gain.word}",
    )


def caption(record: Sweeps) -> str:
    """Say what the numbers of the last three columns are.

    Args:
        record: the sweeps.
    """
    size = " x ".join(map(str, sweeps.ENV.bin_size))
    return (
        f"Here: packing a bin of {size} cells, {sweeps.STEPS:,} environment steps, {len(record.seeds)} seeds. Good "
        "here: values not behind the best one, which was picked on the same seeds. Spread here: best mean minus worst "
        "mean of final utilization over the values that were run. Tuned alone: gain over the default, chosen on one "
        "half of the seeds and judged on the other."
    )


def page(record: Sweeps) -> str:
    """Return the cheat sheet as a page of HTML.

    Args:
        record: the sweeps.
    """
    made = table(record)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in made.head)
    rows = "\n".join("<tr>" + "".join(f"<td>{html.escape(entry)}</td>" for entry in row) + "</tr>" for row in made.rows)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>PPO: what each hyperparameter does</title>
<style>
@page {{ size: A4 landscape; margin: 10mm; }}
body {{ font: 8.5pt/1.3 sans-serif; color: #333333; margin: 0 auto; max-width: 277mm; }}
h1 {{ font-size: 13pt; margin: 0 0 2mm; }}
p {{ margin: 0 0 3mm; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-bottom: 0.3mm solid #bbbbbb; padding: 1mm 1.5mm; text-align: left; vertical-align: top; }}
td:first-child {{ font-family: monospace; font-weight: bold; }}
</style>
<h1>PPO: what each hyperparameter does</h1>
<p>{html.escape(made.caption)}</p>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p style="margin-top: 3mm">{html.escape(signs(record))} Order of tuning: the reward first, then what is spread most.</p>
</html>
"""


def signs(record: Sweeps) -> str:
    """Say between which values the diagnostics of good settings lie.

    Args:
        record: the sweeps.
    """
    every = [record.runs(change) for change in single_changes()]
    good = [runs for runs in every if verdict(runs.final, record.default.final).word != "behind"]
    told = []
    for name in BANDS:
        means = [float(runs.mean_of(name).mean()) for runs in good]
        told.append(f"{name} between {min(means):.2g} and {max(means):.2g}")
    listed = " and a mean ".join(told)
    return f"The {len(good)} of {len(every)} settings here that are not behind the default have a mean {listed}."


def main(arguments: Sequence[str]) -> None:
    """Write the page.

    Args:
        arguments: the file to write.
    """
    if len(arguments) != 1 or not arguments[0].endswith(".html"):
        sys.exit("expected one argument, the file to write: out.html")
    try:
        write_text(arguments[0], page(results.load()))
    except (FileError, InputError, OSError) as error:
        sys.exit(str(error))
    print(f"wrote {arguments[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
