"""Answers to the exercises of lesson 08: right ones in other styles, and wrong ones with what they must be told."""

import itertools

import numpy as np
import optuna
from optuna.samplers import RandomSampler, TPESampler
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

# ----------------------------------------------------------------------------------------------------- suggest_row


def suggest_row__by_get(trial, row):
    if row["type"] == "float":
        return trial.suggest_float(
            row["name"], row["low"], row["high"], log=row.get("log", False), step=row.get("step")
        )
    if row["type"] == "int":
        return trial.suggest_int(
            row["name"], row["low"], row["high"], log=row.get("log", False), step=row.get("step", 1)
        )
    return trial.suggest_categorical(row["name"], row["choices"])


def suggest_row__rest_of_the_row(trial, row):
    rest = {key: value for key, value in row.items() if key != "type"}
    return getattr(trial, "suggest_" + row["type"])(**rest)


def suggest_row__wrong_no_log(trial, row):
    """rate should be drawn on a log scale"""
    if row["type"] == "categorical":
        return trial.suggest_categorical(row["name"], row["choices"])
    ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float
    options = {"step": row["step"]} if "step" in row else {}
    return ask(row["name"], row["low"], row["high"], **options)


def suggest_row__wrong_always_log(trial, row):
    """gamma should not be drawn on a log scale"""
    if row["type"] == "categorical":
        return trial.suggest_categorical(row["name"], row["choices"])
    ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float
    return ask(row["name"], row["low"], row["high"], log=True)


def suggest_row__wrong_log_if_named(trial, row):
    """vf should not be drawn on a log scale"""
    if row["type"] == "categorical":
        return trial.suggest_categorical(row["name"], row["choices"])
    ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float
    if "step" in row:
        return ask(row["name"], row["low"], row["high"], step=row["step"])
    return ask(row["name"], row["low"], row["high"], log="log" in row)


def suggest_row__wrong_no_step(trial, row):
    """clip has a step of 0.1"""
    if row["type"] == "categorical":
        return trial.suggest_categorical(row["name"], row["choices"])
    ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float
    return ask(row["name"], row["low"], row["high"], log=row.get("log", False))


def suggest_row__wrong_step_one(trial, row):
    """gamma is drawn in steps"""
    if row["type"] == "categorical":
        return trial.suggest_categorical(row["name"], row["choices"])
    step = row.get("step", 0.01)
    if row["type"] == "int":
        return trial.suggest_int(row["name"], row["low"], row["high"], step=int(step) or 1, log=row.get("log", False))
    return trial.suggest_float(row["name"], row["low"], row["high"], step=step)


def suggest_row__wrong_all_float(trial, row):
    """layers is asked for with the wrong method"""
    if row["type"] == "categorical":
        return trial.suggest_categorical(row["name"], row["choices"])
    options = {key: row[key] for key in ("log", "step") if key in row}
    return trial.suggest_float(row["name"], row["low"], row["high"], **options)


def suggest_row__wrong_name(trial, row):
    """it asks under another name than the row's"""
    if row["type"] == "categorical":
        return trial.suggest_categorical("choice", row["choices"])
    ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float
    options = {key: row[key] for key in ("log", "step") if key in row}
    return ask("value", row["low"], row["high"], **options)


def suggest_row__wrong_choices(trial, row):
    """the choices of activation are others"""
    if row["type"] == "categorical":
        return trial.suggest_categorical(row["name"], row["choices"][:1])
    ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float
    options = {key: row[key] for key in ("log", "step") if key in row}
    return ask(row["name"], row["low"], row["high"], **options)


def suggest_row__wrong_no_return(trial, row):
    """it does not return what the trial suggested"""
    if row["type"] == "categorical":
        trial.suggest_categorical(row["name"], row["choices"])
    else:
        ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float
        options = {key: row[key] for key in ("log", "step") if key in row}
        ask(row["name"], row["low"], row["high"], **options)


def suggest_row__wrong_nothing_asked(trial, row):
    """it asks the trial for nothing"""
    return row["choices"][0] if row["type"] == "categorical" else row["low"]


# ------------------------------------------------------------------------------------------------- suggest_network


def suggest_network__loop(trial):
    policy = trial.suggest_categorical("policy", ("mlp", "candidate"))
    if policy == "mlp":
        widths = []
        for layer in range(trial.suggest_int("n_layers", 1, 3)):
            widths.append(trial.suggest_int("width_" + str(layer), 16, 128, log=True))
        return {"policy": policy, "net_arch": tuple(widths)}
    return {"policy": policy, "channels": trial.suggest_int("channels", 4, 16, step=4)}


def suggest_network__as_a_list(trial):
    fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    match fields["policy"]:
        case "candidate":
            return fields | {"channels": trial.suggest_int("channels", 4, 16, step=4)}
        case _:
            n = trial.suggest_int("n_layers", 1, 3)
            return fields | {"net_arch": [trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(n)]}


def suggest_network__wrong_asks_always(trial):
    """it asks for n_layers in a trial that has no use for it"""
    policy = trial.suggest_categorical("policy", ["candidate", "mlp"])
    channels = trial.suggest_int("channels", 4, 16, step=4)
    n_layers = trial.suggest_int("n_layers", 1, 3)
    widths = tuple(trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(n_layers))
    return {"policy": policy, "channels": channels} if policy == "candidate" else {"policy": policy, "net_arch": widths}


def suggest_network__wrong_all_widths(trial):
    """it asks for width_2 in a trial that has no use for it"""
    fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16, step=4)
    else:
        n_layers = trial.suggest_int("n_layers", 1, 3)
        widths = [trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(3)]
        fields["net_arch"] = tuple(widths[:n_layers])
    return fields


def suggest_network__wrong_one_width(trial):
    """it asks for 'width', which the docstring does not name"""
    fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16, step=4)
    else:
        n_layers = trial.suggest_int("n_layers", 1, 3)
        fields["net_arch"] = (trial.suggest_int("width", 16, 128, log=True),) * n_layers
    return fields


def suggest_network__wrong_same_name(trial):
    """it never asks for width_1"""
    fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16, step=4)
    else:
        n_layers = trial.suggest_int("n_layers", 1, 3)
        fields["net_arch"] = tuple(trial.suggest_int("width_0", 16, 128, log=True) for _ in range(n_layers))
    return fields


def suggest_network__wrong_linear(trial):
    """width_0 should be drawn on a log scale"""
    fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16, step=4)
    else:
        n_layers = trial.suggest_int("n_layers", 1, 3)
        fields["net_arch"] = tuple(trial.suggest_int(f"width_{i}", 16, 128) for i in range(n_layers))
    return fields


def suggest_network__wrong_channels(trial):
    """channels has a step of 4"""
    fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16)
    else:
        n_layers = trial.suggest_int("n_layers", 1, 3)
        fields["net_arch"] = tuple(trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(n_layers))
    return fields


def suggest_network__wrong_params(trial):
    """the answer has an entry 'n_layers'"""
    fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16, step=4)
    else:
        fields["n_layers"] = trial.suggest_int("n_layers", 1, 3)
        widths = [trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(fields["n_layers"])]
        fields["net_arch"] = tuple(widths)
    return fields


def suggest_network__wrong_reversed(trial):
    """net_arch is not what the trial suggested"""
    fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16, step=4)
    else:
        n_layers = trial.suggest_int("n_layers", 1, 3)
        fields["net_arch"] = tuple(trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(n_layers))[::-1]
    return fields


# ------------------------------------------------------------------------------------------------- mean_over_seeds


def mean_over_seeds__loop(trial, run, seeds):
    total, kept = 0.0, []
    for seed in seeds:
        kept.append(run(seed))
        total += kept[-1]
    trial.set_user_attr("scores", kept)
    return total / len(seeds)


def mean_over_seeds__array(trial, run, seeds):
    scores = np.array(list(map(run, seeds)))
    trial.set_user_attr("scores", scores.tolist())
    return scores.mean()


def mean_over_seeds__as_they_come(trial, run, seeds):
    scores = []
    for seed in seeds:
        scores.append(float(run(seed)))
        trial.set_user_attr("scores", list(scores))
    return sum(scores) / len(scores)


def mean_over_seeds__wrong_best(trial, run, seeds):
    """it returns the best seed's score"""
    scores = [run(seed) for seed in seeds]
    trial.set_user_attr("scores", scores)
    return max(scores)


def mean_over_seeds__wrong_sum(trial, run, seeds):
    """it returns the sum over the seeds"""
    scores = [run(seed) for seed in seeds]
    trial.set_user_attr("scores", scores)
    return sum(scores)


def mean_over_seeds__wrong_last(trial, run, seeds):
    """it returns the last seed's score alone"""
    scores = []
    for seed in seeds:
        score = run(seed)
        scores.append(score)
    trial.set_user_attr("scores", scores)
    return score


def mean_over_seeds__wrong_first_only(trial, run, seeds):
    """not every seed is trained"""
    scores = [run(seeds[0])]
    trial.set_user_attr("scores", scores)
    return scores[0]


def mean_over_seeds__wrong_own_seeds(trial, run, seeds):
    """it trains with a seed that is not among the given ones"""
    scores = [run(seed) for seed in range(len(seeds))]
    trial.set_user_attr("scores", scores)
    return float(np.mean(scores))


def mean_over_seeds__wrong_twice(trial, run, seeds):
    """a seed is trained more than once"""
    trial.set_user_attr("scores", [run(seed) for seed in seeds])
    return float(np.mean([run(seed) for seed in seeds]))


def mean_over_seeds__wrong_nothing_kept(trial, run, seeds):
    """the trial keeps nothing"""
    return float(np.mean([run(seed) for seed in seeds]))


def mean_over_seeds__wrong_attribute(trial, run, seeds):
    """the trial has no user attribute 'scores'"""
    scores = [run(seed) for seed in seeds]
    trial.set_user_attr("score", scores)
    return float(np.mean(scores))


def mean_over_seeds__wrong_only_mean_kept(trial, run, seeds):
    """should be a list of one score for each seed"""
    mean = float(np.mean([run(seed) for seed in seeds]))
    trial.set_user_attr("scores", mean)
    return mean


def mean_over_seeds__wrong_sorted(trial, run, seeds):
    """in another order than the seeds"""
    scores = sorted(run(seed) for seed in seeds)
    trial.set_user_attr("scores", scores)
    return float(np.mean(scores))


def mean_over_seeds__wrong_zero_for_failure(trial, run, seeds):
    """let the error pass"""
    scores = []
    for seed in seeds:
        try:
            scores.append(run(seed))
        except FloatingPointError:
            scores.append(0.0)
    trial.set_user_attr("scores", scores)
    return float(np.mean(scores))


# ------------------------------------------------------------------------------------------------------ open_study


def open_study__by_hand(path, seed):
    storage = JournalStorage(JournalFileBackend(str(path)))
    known = [each.study_name for each in optuna.get_all_study_summaries(storage)]
    if "packing" in known:
        study = optuna.load_study(study_name="packing", storage=storage)
    else:
        study = optuna.create_study(study_name="packing", storage=storage, direction="maximize")
    rng = np.random.default_rng([seed, len(study.trials)])
    study.sampler = RandomSampler(seed=int(rng.integers(2**31)))
    return study


def open_study__skipping(path, seed):
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="packing", direction="maximize", load_if_exists=True)
    done = study.get_trials(deepcopy=False)
    rng = np.random.default_rng(seed)
    draws = rng.integers(2**31, size=len(done) + 1)
    study.sampler = RandomSampler(seed=int(draws[-1]))
    return study


def open_study__wrong_in_memory(path, seed):
    """is the study in memory only?"""
    return optuna.create_study(study_name="packing", direction="maximize", sampler=RandomSampler(seed=seed))


def open_study__wrong_database(path, seed):
    """the file is a database, not a journal"""
    storage = RDBStorage(f"sqlite:///{path}")
    study = optuna.create_study(storage=storage, study_name="packing", direction="maximize", load_if_exists=True)
    study.sampler = RandomSampler(seed=seed)
    return study


def open_study__wrong_refuses(path, seed):
    """the second call finds the study there and refuses"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    return optuna.create_study(
        storage=storage, study_name="packing", direction="maximize", sampler=RandomSampler(seed=seed)
    )


def open_study__wrong_same_seed(path, seed):
    """after reopening the same values are drawn again"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    sampler = RandomSampler(seed=seed)
    return optuna.create_study(
        storage=storage, study_name="packing", direction="maximize", load_if_exists=True, sampler=sampler
    )


def open_study__wrong_no_seed(path, seed):
    """two new studies with the same seed draw different values"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    return optuna.create_study(
        storage=storage, study_name="packing", direction="maximize", load_if_exists=True, sampler=RandomSampler()
    )


def open_study__wrong_added(path, seed):
    """do not add the two numbers"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="packing", direction="maximize", load_if_exists=True)
    study.sampler = RandomSampler(seed=seed + len(study.trials))
    return study


def open_study__wrong_seed_unused(path, seed):
    """another seed draws the same values"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="packing", direction="maximize", load_if_exists=True)
    study.sampler = RandomSampler(seed=len(study.trials))
    return study


def open_study__wrong_direction(path, seed):
    """it minimizes"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="packing", load_if_exists=True)
    study.sampler = RandomSampler(seed=int(np.random.SeedSequence([seed, len(study.trials)]).generate_state(1)[0]))
    return study


def open_study__wrong_name(path, seed):
    """the study has another name"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="study", direction="maximize", load_if_exists=True)
    study.sampler = RandomSampler(seed=int(np.random.SeedSequence([seed, len(study.trials)]).generate_state(1)[0]))
    return study


def open_study__wrong_sampler(path, seed):
    """random search was asked for"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="packing", direction="maximize", load_if_exists=True)
    study.sampler = TPESampler(seed=int(np.random.SeedSequence([seed, len(study.trials)]).generate_state(1)[0]))
    return study


def open_study__wrong_no_return(path, seed):
    """is there a return?"""
    storage = JournalStorage(JournalFileBackend(str(path)))
    optuna.create_study(storage=storage, study_name="packing", direction="maximize", load_if_exists=True)


# -------------------------------------------------------------------------------------------------- continue_study


def continue_study__until_enough(study, objective, total):
    for trial in study.trials:
        if trial.state is TrialState.RUNNING:
            study.tell(trial.number, state=TrialState.FAIL)
            study.enqueue_trial(trial.params)
    while sum(trial.state is TrialState.COMPLETE for trial in study.trials) < total:
        study.optimize(objective, n_trials=1)


def continue_study__with_a_callback(study, objective, total):
    lost = [trial for trial in study.trials if trial.state == TrialState.RUNNING]
    for trial in lost:
        study.tell(trial.number, state=TrialState.FAIL)
    for trial in lost:
        study.enqueue_trial(trial.params)
    if len(study.get_trials(states=(TrialState.COMPLETE,))) < total:
        study.optimize(objective, callbacks=[MaxTrialsCallback(total, states=(TrialState.COMPLETE,))])


def continue_study__ask_and_tell(study, objective, total):
    lost = study.get_trials(states=[TrialState.RUNNING])
    for trial in lost:
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    complete = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    for _ in range(total - len(complete)):
        trial = study.ask()
        study.tell(trial, objective(trial))


def continue_study__wrong_all_again(study, objective, total):
    """it runs as many trials as there are to be in all"""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    study.optimize(objective, n_trials=total)


def continue_study__wrong_counts_all(study, objective, total):
    """only complete ones count"""
    count = len(study.trials)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    study.optimize(objective, n_trials=max(total - count, 0))


def continue_study__wrong_still_running(study, objective, total):
    """a trial that the dead process left running is still running"""
    complete = len(study.get_trials(states=(TrialState.COMPLETE,)))
    study.optimize(objective, n_trials=max(total - complete, 0))


def continue_study__wrong_pruned(study, objective, total):
    """it is to be told as failed"""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.PRUNED)
        study.enqueue_trial(trial.params)
    complete = len(study.get_trials(states=(TrialState.COMPLETE,)))
    study.optimize(objective, n_trials=max(total - complete, 0))


def continue_study__wrong_not_again(study, objective, total):
    """are not tried again"""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    complete = len(study.get_trials(states=(TrialState.COMPLETE,)))
    study.optimize(objective, n_trials=max(total - complete, 0))


def continue_study__wrong_again_last(study, objective, total):
    """come after new ones"""
    lost = study.get_trials(states=(TrialState.RUNNING,))
    for trial in lost:
        study.tell(trial.number, state=TrialState.FAIL)
    complete = len(study.get_trials(states=(TrialState.COMPLETE,)))
    study.optimize(objective, n_trials=max(total - complete - len(lost), 0))
    for trial in lost:
        study.enqueue_trial(trial.params)
    if total > complete:
        study.optimize(objective, n_trials=len(lost))


def continue_study__wrong_failed_again(study, objective, total):
    """it tries values again whose trial had ended before"""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    for trial in study.get_trials(states=(TrialState.FAIL,)):
        study.enqueue_trial(trial.params)
    complete = len(study.get_trials(states=(TrialState.COMPLETE,)))
    study.optimize(objective, n_trials=max(total - complete, 0))


def continue_study__wrong_at_least_one(study, objective, total):
    """there are enough complete trials, and it runs more"""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    study.optimize(objective, callbacks=[MaxTrialsCallback(total, states=(TrialState.COMPLETE,))])


# ------------------------------------------------------------------------------------------------------ stop_after


def stop_after__walking_back(patience):
    def callback(study, trial):
        values = [each.value for each in study.trials if each.state == TrialState.COMPLETE]
        if study.direction.name == "MINIMIZE":
            values = [-value for value in values]
        if values and len(values) - 1 - int(np.argmax(values)) >= patience:
            study.stop()

    return callback


def stop_after__class(patience):
    class Patience:
        def __call__(self, study, trial):
            done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
            if done and len([each for each in done if each.number > study.best_trial.number]) >= patience:
                study.stop()

    return Patience()


def stop_after__wrong_late(patience):
    """it stops one trial too late"""

    def callback(study, trial):
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if complete and sum(each.number > study.best_trial.number for each in complete) > patience:
            study.stop()

    return callback


def stop_after__wrong_early(patience):
    """it stops one trial too early"""

    def callback(study, trial):
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if complete and sum(each.number >= study.best_trial.number for each in complete) >= patience:
            study.stop()

    return callback


def stop_after__wrong_counts_failed(patience):
    """a trial that failed counts as one without an improvement"""

    def callback(study, trial):
        some = bool(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
        if some and trial.number - study.best_trial.number >= patience:
            study.stop()

    return callback


def stop_after__wrong_nothing_complete(patience):
    """No trials are completed yet"""

    def callback(study, trial):
        best = study.best_trial.number
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if sum(each.number > best for each in complete) >= patience:
            study.stop()

    return callback


def stop_after__wrong_direction(patience):
    """in a study that minimizes, lower is better"""

    def callback(study, trial):
        values = [each.value for each in study.get_trials(states=(TrialState.COMPLETE,))]
        if values and len(values) - 1 - int(np.argmax(values)) >= patience:
            study.stop()

    return callback


def stop_after__wrong_counter(patience):
    """in a study that is opened again it begins to count anew"""
    best, since = None, 0

    def callback(study, trial):
        nonlocal best, since
        if trial.state != TrialState.COMPLETE:
            return
        if best is None or study.best_trial.number != best:
            best, since = study.best_trial.number, 0
        else:
            since += 1
        if since >= patience:
            study.stop()

    return callback


def stop_after__wrong_last_one(patience):
    """a trial is compared with the one before it"""

    def callback(study, trial):
        values = [each.value for each in study.get_trials(states=(TrialState.COMPLETE,))]
        if study.direction.name == "MINIMIZE":
            values = [-value for value in values]
        since = 0
        for one, other in itertools.pairwise(values):
            since = 0 if other > one else since + 1
        if since >= patience:
            study.stop()

    return callback


def stop_after__wrong_equal(patience):
    """an equal value counts as an improvement"""

    def callback(study, trial):
        values = [each.value for each in study.get_trials(states=(TrialState.COMPLETE,))]
        if study.direction.name == "MINIMIZE":
            values = [-value for value in values]
        if values and int(np.argmax(values[::-1])) >= patience:
            study.stop()

    return callback


def stop_after__wrong_never(patience):
    """it never stops the study"""

    def callback(study, trial):
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return bool(complete) and sum(each.number > study.best_trial.number for each in complete) >= patience

    return callback


def stop_after__wrong_no_function(patience):
    """it should return a function"""

    def callback(study, trial):
        study.stop()


# ------------------------------------------------------------------------------------------------------- seed_plan


def seed_plan__comprehension(counts, block):
    if max(counts.values()) > block:
        raise ValueError("a block is too small")
    return {name: [place * block + k for k in range(count)] for place, (name, count) in enumerate(counts.items())}


def seed_plan__running_first(counts, block):
    plan, first = {}, 0
    for purpose in counts:
        if not counts[purpose] <= block:
            raise ValueError(purpose)
        plan[purpose] = list(range(first, first + counts[purpose]))
        first += block
    return plan


def seed_plan__wrong_same(counts, block):
    """every purpose gets the same seeds"""
    return {name: list(range(count)) for name, count in counts.items()}


def seed_plan__wrong_close(counts, block):
    """the seeds follow each other without a gap"""
    plan, first = {}, 0
    for name, count in counts.items():
        plan[name] = list(range(first, first + count))
        first += count
    return plan


def seed_plan__wrong_whole_block(counts, block):
    """each purpose gets its whole block"""
    return {name: list(range(place * block, (place + 1) * block)) for place, name in enumerate(counts)}


def seed_plan__wrong_from_one(counts, block):
    """the first block begins at `block`"""
    plan = {}
    for place, (name, count) in enumerate(counts.items(), start=1):
        plan[name] = list(range(place * block, place * block + count))
    return plan


def seed_plan__wrong_one_more(counts, block):
    """each purpose has one seed too many"""
    plan = {}
    for place, (name, count) in enumerate(counts.items()):
        plan[name] = list(range(place * block, place * block + count + 1))
    return plan


def seed_plan__wrong_lets_it_run_over(counts, block):
    """should be refused with ValueError"""
    return {
        name: list(range(place * block, place * block + count)) for place, (name, count) in enumerate(counts.items())
    }


def seed_plan__wrong_full_block(counts, block):
    """stopped with ValueError"""
    if max(counts.values()) >= block:
        raise ValueError("a block is too small")
    return {
        name: list(range(place * block, place * block + count)) for place, (name, count) in enumerate(counts.items())
    }


# ---------------------------------------------------------------------------------------------------- tell_outcome


def tell_outcome__collects_first(study, trial, run):
    state, reason, score = TrialState.COMPLETE, None, None
    try:
        score = run(trial)
        if score != score or abs(score) == float("inf"):
            state, reason = TrialState.PRUNED, f"score {score}"
    except (MemoryError, OSError) as error:
        state = TrialState.PRUNED if isinstance(error, MemoryError) else TrialState.FAIL
        reason = str(error)
    if reason is not None:
        trial.set_user_attr("error", reason)
    study.tell(trial, score if state == TrialState.COMPLETE else None, state=state)


def tell_outcome__with_a_helper(study, trial, run):
    def end(reason, state):
        trial.set_user_attr("error", str(reason))
        study.tell(trial, state=state)

    try:
        score = run(trial)
    except OSError as error:
        end(error, TrialState.FAIL)
    except MemoryError as error:
        end(error, TrialState.PRUNED)
    else:
        if np.isfinite(score):
            study.tell(trial, score)
        else:
            end(f"score {score}", TrialState.PRUNED)


def tell_outcome__wrong_zero(study, trial, run):
    """the trial counts as complete although there is no score"""
    try:
        score = run(trial)
    except (MemoryError, OSError) as error:
        trial.set_user_attr("error", str(error))
        score = 0.0
    study.tell(trial, score if np.isfinite(score) else 0.0)


def tell_outcome__wrong_all_failed(study, trial, run):
    """a failed trial teaches the sampler nothing"""
    try:
        score = run(trial)
    except (MemoryError, OSError) as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.FAIL)
        return
    study.tell(trial, score)


def tell_outcome__wrong_all_pruned(study, trial, run):
    """would speak against the configuration"""
    try:
        score = run(trial)
    except (MemoryError, OSError) as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.PRUNED)
        return
    study.tell(trial, score)


def tell_outcome__wrong_nan_told(study, trial, run):
    """a failed trial teaches the sampler nothing"""
    try:
        score = run(trial)
    except MemoryError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.PRUNED)
    except OSError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, score)


def tell_outcome__wrong_no_reason(study, trial, run):
    """does not keep the reason"""
    try:
        score = run(trial)
    except MemoryError:
        study.tell(trial, state=TrialState.PRUNED)
        return
    except OSError:
        study.tell(trial, state=TrialState.FAIL)
        return
    if not np.isfinite(score):
        study.tell(trial, state=TrialState.PRUNED)
        return
    study.tell(trial, score)


def tell_outcome__wrong_other_reason(study, trial, run):
    """the reason is another text"""
    try:
        score = run(trial)
    except MemoryError as error:
        trial.set_user_attr("error", type(error).__name__)
        study.tell(trial, state=TrialState.PRUNED)
        return
    except OSError as error:
        trial.set_user_attr("error", type(error).__name__)
        study.tell(trial, state=TrialState.FAIL)
        return
    study.tell(trial, score)


def tell_outcome__wrong_catches_all(study, trial, run):
    """a mistake in the program would pass for a bad configuration"""
    try:
        score = run(trial)
    except OSError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.FAIL)
        return
    except Exception as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.PRUNED)
        return
    if not np.isfinite(score):
        trial.set_user_attr("error", f"score {score}")
        study.tell(trial, state=TrialState.PRUNED)
        return
    study.tell(trial, score)


def tell_outcome__wrong_not_told(study, trial, run):
    """the study was not told how the trial ended"""
    return run(trial)


def tell_outcome__wrong_falls_through(study, trial, run):
    """stopped with"""
    score = 0.0
    try:
        score = run(trial)
    except MemoryError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.PRUNED)
    except OSError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.FAIL)
    study.tell(trial, score)
