"""Every check of lesson 08: other right forms pass, each named mistake gets its own message; and the recorded study."""

import numpy as np
import optuna
import pytest
from judging import wrong
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from scipy import stats

from binpack.core.statistics import mean_interval, verdict
from binpack.course.exercises.core import exercises_of
from binpack.course.l08_optuna_before import exercises as lesson
from binpack.search.samplers import SeededSampler

optuna.logging.set_verbosity(optuna.logging.ERROR)


def outcome(exercise, answer):
    """Judge an answer as the notebook does."""
    judged = exercise.judge(answer)
    return judged.outcome, judged.text


@pytest.mark.parametrize("exercise", exercises_of(lesson), ids=lambda exercise: exercise.name)
def test_an_answer_without_return_is_wrong(exercise):
    assert wrong(exercise, lambda *_: None)


# ------------------------------------------------------------------------------------------------------ suggest_ppo


def ppo(trial, *, log=True, high=1e-2, epochs=10, choices=("candidate", "mlp")):
    """The common part of an answer, with room for mistakes."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 3e-5, high, log=log),
        "n_epochs": trial.suggest_int("n_epochs", 1, epochs),
        "policy": trial.suggest_categorical("policy", list(choices)),
    }


def branches(trial, fields, *, second="width_1", reverse=False, net=tuple):
    if fields["policy"] == "candidate":
        return {**fields, "channels": trial.suggest_int("channels", 4, 16, step=4)}
    widths = [trial.suggest_int("width_0", 16, 128, log=True)]
    if trial.suggest_int("n_layers", 1, 2) == 2:
        widths.append(trial.suggest_int(second, 16, 128, log=True))
    return {**fields, "net_arch": net(widths[::-1] if reverse else widths)}


def by_choices(trial):
    fields = ppo(trial, choices=("mlp", "candidate"))
    if fields["policy"] == "candidate":
        return fields | {"channels": trial.suggest_categorical("channels", [16, 8, 12, 4])}
    return branches(trial, fields, net=list)


def dict_of_two(trial):
    fields = ppo(trial)
    network = {"candidate": _channels, "mlp": _widths}[fields["policy"]]
    return dict(fields, **network(trial))


def _channels(trial):
    return {"channels": trial.suggest_int("channels", 4, 16, step=4)}


def _widths(trial):
    layers = trial.suggest_categorical("n_layers", [1, 2])
    return {"net_arch": [trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(layers)]}


@pytest.mark.parametrize("answer", [by_choices, dict_of_two, lambda trial: branches(trial, ppo(trial))])
def test_suggest_ppo_in_other_forms(answer):
    assert outcome(lesson.suggest_ppo, answer)[0] == "correct"


def always_channels(trial):
    channels = trial.suggest_int("channels", 4, 16, step=4)
    fields = branches(trial, ppo(trial))
    return fields | {"channels": channels}


def always_widths(trial):
    fields = ppo(trial)
    widths = [trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(trial.suggest_int("n_layers", 1, 2))]
    return fields | (_channels(trial) if fields["policy"] == "candidate" else {"net_arch": widths})


def both_widths(trial):
    fields = branches(trial, ppo(trial))
    if "net_arch" in fields:
        trial.suggest_int("width_1", 16, 128, log=True)
    return fields


def leaks_layers(trial):
    fields = branches(trial, ppo(trial))
    return fields | ({"n_layers": len(fields["net_arch"])} if "net_arch" in fields else {})


def fixed_learning_rate(trial):
    return branches(trial, ppo(trial)) | {"learning_rate": 3e-4}


def no_step(trial):
    fields = ppo(trial)
    if fields["policy"] == "candidate":
        return fields | {"channels": trial.suggest_int("channels", 4, 16)}
    return branches(trial, fields)


def widths_from_a_list(trial):
    fields = ppo(trial)
    if fields["policy"] == "candidate":
        return fields | _channels(trial)
    layers = trial.suggest_int("n_layers", 1, 2)
    return fields | {"net_arch": [trial.suggest_categorical(f"width_{i}", [16, 32, 64, 128]) for i in range(layers)]}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda t: branches(t, ppo(t, log=False)), "learning_rate should be on a log scale: linearly, nearly all"),
        (lambda t: branches(t, ppo(t, high=1e-1)), "learning_rate should go from 3e-05 to 0.01, not from 3e-05 to 0.1"),
        (lambda t: branches(t, ppo(t, epochs=9)), "n_epochs should go from 1 to 10, not from 1 to 9"),
        (lambda t: branches(t, ppo(t, choices=("candidate", "mlp", "cnn"))), "choices of policy should be candidate"),
        (always_channels, "it asks for channels although policy is 'mlp'"),
        (always_widths, "although policy is 'candidate': ask only in the branch that uses it"),
        (both_widths, "it asks for width_1 although n_layers is 1"),
        (lambda t: branches(t, ppo(t), second="width_0"), "never asks for width_1"),
        (lambda t: branches(t, ppo(t), second="width"), "it asks for 'width', which the docstring does not name"),
        (lambda t: branches(t, ppo(t), reverse=True), "the layers stand in the wrong order"),
        (leaks_layers, "n_layers is no field of PPOConfig"),
        (fixed_learning_rate, "learning_rate should be 0.001 for this trial"),
        (no_step, "channels should go in steps of 4"),
        (widths_from_a_list, "width_0 is a number on a log scale: a list of choices has no order"),
        (lambda t: ppo(t), "with policy 'candidate' it never asks for channels"),
    ],
)
def test_mistakes_in_suggest_ppo(answer, message):
    assert message in wrong(lesson.suggest_ppo, answer)


# ------------------------------------------------------------------------------------------------- score_over_seeds


def by_hand(trial, run, seeds, total):
    scores, offset = [], 0
    for seed in seeds:
        latest = None
        for step, latest in run(seed):
            so_far = [*scores, latest]
            trial.report(sum(so_far) / len(so_far), step=offset + step)
            if trial.should_prune():
                raise optuna.exceptions.TrialPruned(f"at {step}")
        scores.append(latest)
        offset += total
    trial.set_user_attr("scores", scores)
    return sum(scores) / len(scores)


def never_on_the_last(trial, run, seeds, total):
    """There is nothing to save at the very last report, so one may leave out that question."""
    scores = {}
    for place, seed in enumerate(seeds):
        for step, score in run(seed):
            scores[seed] = score
            trial.report(np.mean(list(scores.values())), place * total + step)
            if place * total + step < len(seeds) * total and trial.should_prune():
                raise optuna.TrialPruned
    return np.mean(list(scores.values()))


@pytest.mark.parametrize("answer", [by_hand, never_on_the_last])
def test_score_over_seeds_in_other_forms(answer):
    assert outcome(lesson.score_over_seeds, answer)[0] == "correct"


def seeds_loop(
    trial, run, seeds, total, *, order="report first", reduce=np.mean, per_run=lambda scores: scores[-1],
    place=lambda index, step, total, count: index * total + step, value=lambda done, score: np.mean([*done, score]),
    stop="raise",
):  # fmt: skip
    """An answer whose every part can be replaced by a wrong one."""
    done, count = [], 0
    for index, seed in enumerate(seeds):
        scores = []
        for step, score in run(seed):
            scores.append(score)
            if order == "ask first" and trial.should_prune():
                raise optuna.TrialPruned
            if order != "never report":
                trial.report(float(value(done, score)), place(index, step, total, count))
            count += 1
            if order == "report first" and trial.should_prune():
                if stop == "raise":
                    raise optuna.TrialPruned
                return float(reduce([*done, score]))
        done.append(per_run(scores))
    return float(reduce(done))


def collect_first(trial, run, seeds, total):
    curves = [list(run(seed)) for seed in seeds]
    return lesson.score_over_seeds(trial, lambda seed: iter(curves[list(seeds).index(seed)]), seeds, total)


def after_each_seed(trial, run, seeds, total):
    done = []
    for index, seed in enumerate(seeds):
        curve = list(run(seed))
        for step, score in curve:
            trial.report(float(np.mean([*done, score])), index * total + step)
        if trial.should_prune():
            raise optuna.TrialPruned
        done.append(curve[-1][1])
    return float(np.mean(done))


def variant(**changes):
    return lambda *args: seeds_loop(*args, **changes)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (variant(order="never report"), "nothing was reported"),
        (variant(order="ask first"), "it asks the pruner before the first report"),
        (variant(order="never ask"), "the pruner is never asked"),
        (variant(stop="return"), "a stopped trial counts as a complete one"),
        (variant(reduce=max), "it returns the best seed"),
        (variant(reduce=sum), "it returns the sum over seeds"),
        (variant(reduce=lambda scores: scores[-1]), "it returns the last seed's score alone"),
        (variant(per_run=max), "it takes the best evaluation of each run"),
        (variant(per_run=np.mean), "it averages all evaluations"),
        (variant(place=lambda index, step, total, count: step), "step 100 is reported twice"),
        (variant(place=lambda index, step, total, count: count), "it reports at 0, 1, 2, ...: count in environment"),
        (variant(value=lambda done, score: score), "it reports the current seed alone"),
        (collect_first, "stopped only after all of its training"),
        (after_each_seed, "stopped at step 200, it still trained seed 3 to step 300"),
        (lambda t, run, seeds, total: seeds_loop(t, run, seeds[:1], total), "not every seed was trained"),
        (lambda t, run, seeds, total: seeds_loop(t, run, [t.number + s for s in seeds], total), "not a given one"),
    ],
)
def test_mistakes_in_score_over_seeds(answer, message):
    assert message in wrong(lesson.score_over_seeds, answer)


# -------------------------------------------------------------------------------------------------- replay_pruning


def by_optimize(curves, pruner):
    numbers, ends = list(curves), []

    def objective(trial):
        reports = curves[numbers[trial.number]]
        ends.append(max(reports))
        for step, score in reports.items():
            trial.report(score, step)
            if step < max(reports) and trial.should_prune():
                ends[-1] = step
                raise optuna.TrialPruned
        return score

    study = optuna.create_study(direction="maximize", pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=len(numbers))
    return np.array(ends)


def asks_at_the_end_too(curves, pruner):
    """Whether a trial is stopped at its last report or complete changes what the next ones are compared with."""
    return lesson._replay_wrongly(curves, pruner)


@pytest.mark.parametrize("answer", [by_optimize, asks_at_the_end_too])
def test_replay_pruning_in_other_forms(answer):
    assert outcome(lesson.replay_pruning, answer)[0] == "correct"


def curves_and(change):
    return lambda curves, pruner: change(curves, lesson.replay_pruning(curves, pruner))


def one_earlier(curves, ends):
    return [end if end == 500 else end - 100 for end in ends]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda c, p: lesson._replay_wrongly(c, p, direction="minimize"), "it minimizes: here higher is better"),
        (lambda c, p: lesson._replay_wrongly(c, p, pruned=TrialState.COMPLETE), "told as complete ones"),
        (lambda c, p: lesson.replay_pruning(c, optuna.pruners.NopPruner()), "nothing is stopped"),
        (curves_and(one_earlier), "the report at which a trial was stopped has been paid for"),
        (curves_and(lambda c, ends: [end // 100 for end in ends]), "it counts reports: the answer is in steps"),
        (curves_and(lambda c, ends: [500 - end for end in ends]), "these are the steps saved"),
        (curves_and(lambda c, ends: sum(ends)), "it should return a list of steps, not int"),
        (curves_and(lambda c, ends: [end for end in ends if end < 500]), "one each, stopped or not"),
        (curves_and(lambda c, ends: ends if c.pop(0) else []), "it changes its argument curves"),
    ],
)
def test_mistakes_in_replay_pruning(answer, message):
    assert message in wrong(lesson.replay_pruning, answer)


# ------------------------------------------------------------------------------------------------------ open_study


def opened(path, sampler, *, name="packing", direction="maximize", storage=None, load=True):
    return optuna.create_study(
        storage=storage or JournalStorage(JournalFileBackend(str(path))),
        study_name=name, direction=direction, sampler=sampler, load_if_exists=load,
    )  # fmt: skip


def random(seed):
    return optuna.samplers.RandomSampler(seed=seed)


def with_the_packages_sampler(path, seed):
    return opened(path, SeededSampler(random, seed))


def with_a_sum(path, seed):
    study = opened(path, None)
    study.sampler = random(1_000_003 * seed + len(study.get_trials()))
    return study


def load_or_create(path, seed):
    storage = JournalStorage(JournalFileBackend(str(path)))
    if any(summary.study_name == "packing" for summary in storage.get_all_studies()):
        study = optuna.load_study(study_name="packing", storage=storage)
    else:
        study = optuna.create_study(study_name="packing", storage=storage, direction="maximize")
    study.sampler = random(hash((seed, len(study.trials))) % 2**32)
    return study


@pytest.mark.parametrize("answer", [with_the_packages_sampler, with_a_sum, load_or_create])
def test_open_study_in_other_forms(answer):
    assert outcome(lesson.open_study, answer)[0] == "correct"


def in_memory(path, seed):
    return optuna.create_study(direction="maximize", study_name="packing", sampler=random(seed))


def adds_the_count(path, seed):
    study = opened(path, None)
    study.sampler = random(seed + len(study.trials))
    return study


def starts_afresh(path, seed):
    path.unlink(missing_ok=True)
    return opened(path, random(seed))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda path, seed: opened(path, random(seed)), "the same three values are drawn again"),
        (lambda path, seed: opened(path, random(seed), load=False), "refuses: see load_if_exists"),
        (lambda path, seed: opened(path, random(seed), direction="minimize"), "it minimizes"),
        (lambda path, seed: opened(path, random(seed), name="study"), "the study is called 'study'"),
        (lambda path, seed: opened(path, random(None)), "two new studies with the same seed draw different values"),
        (lambda path, seed: opened(path, SeededSampler(random, 0)), "seeds 0 and 1 draw the same values"),
        (adds_the_count, "seed 0 after 3 trials draws what a new study with seed 3 draws"),
        (in_memory, "there is no file at the path"),
        (lambda path, seed: opened(path, random(seed), storage=f"sqlite:///{path}"), "a database, not a journal"),
        (starts_afresh, "after 3 and 3 trials the reopened study has 3"),
        (lambda path, seed: opened(path, random(seed)).trials, "it should return a study, not list"),
    ],
)
def test_mistakes_in_open_study(answer, message):
    assert message in wrong(lesson.open_study, answer)


# -------------------------------------------------------------------------------------------------- separable_best


def sorted_rows(rows):
    ranked = sorted((row for row in rows if row["value"] is not None), key=lambda row: row["value"], reverse=True)
    default = next(row["scores"] for row in rows if row["default"])
    advantage = [mine - theirs for mine, theirs in zip(ranked[0]["scores"], default, strict=True)]
    return ranked[0]["number"] if mean_interval(advantage)[0] > 0 else None


def by_verdict(rows):
    complete = [row for row in rows if row["state"] == "complete"]
    best, default = max(complete, key=lambda row: row["value"]), next(row for row in rows if row["default"])
    return best["number"] if verdict(best["scores"], default["scores"]).word == "ahead" else None


def own_interval(rows):
    complete = {row["number"]: row for row in rows if row["state"] == "complete"}
    best = max(complete, key=lambda number: np.mean(complete[number]["scores"]))
    default = next(row for row in complete.values() if row["default"])
    advantage = np.array(complete[best]["scores"]) - np.array(default["scores"])
    if best == default["number"]:
        return None
    return best if stats.ttest_1samp(advantage, 0.0).confidence_interval().low > 0 else None


@pytest.mark.parametrize("answer", [sorted_rows, by_verdict, own_interval])
def test_separable_best_in_other_forms(answer):
    assert outcome(lesson.separable_best, answer)[0] == "correct"


def picker(rows, *, eligible=None, key=None, accept=None, default=None, give=None):
    """An answer whose every part can be replaced by a wrong one."""
    eligible = eligible or (lambda row: row["state"] == "complete")
    best = max(filter(eligible, rows), key=key or (lambda row: row["value"]))
    base = default(rows) if default else next(row for row in rows if row["default"])
    if not (accept or paired)(best, base):
        return None
    return give(best, rows) if give else best["number"]


def paired(best, base):
    return mean_interval(np.subtract(best["scores"], base["scores"]))[0] > 0


def pick(**changes):
    return lambda rows: picker(rows, **changes)


def unpaired(best, base):
    return mean_interval(best["scores"])[0] > mean_interval(base["scores"])[1]


def bootstrap(best, base):
    advantage = np.subtract(best["scores"], base["scores"])
    means = np.random.default_rng(0).choice(advantage, (4000, len(advantage))).mean(axis=1)
    return np.quantile(means, 0.025) > 0


def not_zero(best, base):
    low, high = mean_interval(np.subtract(best["scores"], base["scores"]))
    return not low <= 0 <= high


def first_scores(row):
    return np.mean(row["scores"]) if row["scores"] else -1.0


def prefix(best, base):
    count = len(best["scores"])
    return mean_interval(np.subtract(best["scores"], base["scores"][:count]))[0] > 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (pick(accept=unpaired), "subtract seed by seed"),
        (pick(accept=lambda best, base: best["value"] > base["value"]), "a higher mean is not enough"),
        (pick(accept=bootstrap), "a bootstrap of three is too narrow"),
        (pick(key=lambda row: max(row["scores"])), "it picks the trial with the best single seed"),
        (pick(eligible=lambda row: True, key=first_scores, accept=prefix), "it picks a pruned trial"),
        (pick(default=lambda rows: rows[0]), "the default is not always trial 0"),
        (pick(give=lambda row, rows: rows.index(row)), "it returns the place in the table, not the trial's number"),
        (pick(give=lambda row, rows: row), "only its number is asked for"),
        (pick(eligible=lambda row: row["state"] == "complete" and not row["default"], accept=not_zero), "worse than"),
        (pick(key=lambda row: -abs(row["value"] - 0.517)), "it picks a trial that is not the best"),
    ],
)
def test_mistakes_in_separable_best(answer, message):
    assert message in wrong(lesson.separable_best, answer)
