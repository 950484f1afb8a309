"""Checks of lesson 02: other right answers pass, and each named mistake gets its own message."""

import numpy as np
import pytest
import torch
from judging import verdict, wrong

from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED

# -------------------------------------------------------------------------------------------------------- save_and_load


def in_a_dictionary_of_its_own(network, path, fresh):
    with path.open("wb") as file:
        torch.save({name: weights.clone() for name, weights in network.state_dict().items()}, file)
    with path.open("rb") as file:
        fresh.load_state_dict(torch.load(file))
    return fresh


def whole_module(network, path, fresh):
    torch.save(network, path)
    return torch.load(path, weights_only=False)


def without_file(network, path, fresh):
    fresh.load_state_dict(network.state_dict())
    return fresh


def not_loaded(network, path, fresh):
    torch.save(network.state_dict(), path)
    torch.load(path)
    return fresh


def unsafe(network, path, fresh):
    torch.save(network.state_dict(), path)
    fresh.load_state_dict(torch.load(path, weights_only=False))
    return fresh


def returns_the_old_one(network, path, fresh):
    not_loaded(network, path, fresh)
    return network


def saves_the_fresh_one(network, path, fresh):
    torch.save(fresh.state_dict(), path)
    return fresh


def forgets_to_return(network, path, fresh):
    unsafe_free = in_a_dictionary_of_its_own(network, path, fresh)
    assert unsafe_free is fresh


def test_save_and_load_in_other_forms():
    assert verdict(lesson.save_and_load, in_a_dictionary_of_its_own).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (whole_module, "the file holds the module itself"),
        (without_file, "there is no file at the path"),
        (not_loaded, "is load_state_dict called?"),
        (unsafe, "weights_only=False runs whatever code a file holds"),
        (returns_the_old_one, "it returns the network that was saved"),
        (saves_the_fresh_one, "were the fresh network's saved?"),
        (forgets_to_return, "it returns None"),
    ],
)
def test_mistakes_in_save_and_load(answer, message):
    assert message in wrong(lesson.save_and_load, answer)


# ------------------------------------------------------------------------------------------------------- tune_objective


def ask(trial, *, rate=(1e-4, 1e-2, True), gamma=(0.9, 0.999), batches=(32, 64, 128), copies=(500, 1000, 2000)):
    return {
        "learning_rate": trial.suggest_float("learning_rate", *rate[:2], log=rate[2]),
        "gamma": trial.suggest_float("gamma", *gamma),
        "batch_size": trial.suggest_categorical("batch_size", list(batches)),
        "target_update": trial.suggest_categorical("target_update", list(copies)),
    }


def tune(trial, make_env, base, parts, seeds, *, asked=None, used=lambda v: v, mean=np.mean, first=None, judge=True):
    config = base.replace(**used((asked or ask)(trial)))
    scores = []
    for seed in seeds:
        run = lesson.train(make_env(), config, parts, seed)
        start = VALIDATION_SEED if first is None else first
        score = np.mean(lesson.evaluate(run.agent.network, make_env(), 10, start)) if judge else np.mean(run.returns)
        scores.append(score)
    return mean(scores)


def shares_one_network(trial, make_env, base, parts, seeds):
    one = parts.make_network(2, 3)
    shared = parts.replace(make_network=lambda *sizes: one)
    return tune(trial, make_env, base, shared, seeds)


def test_tune_objective_in_other_forms():
    def in_another_order(trial, make_env, base, parts, seeds):
        copies = trial.suggest_categorical("target_update", (500, 1000, 2000))
        rest = {"gamma": trial.suggest_float("gamma", 0.9, 0.999)}
        rest["batch_size"] = trial.suggest_categorical("batch_size", (32, 64, 128))
        rest["learning_rate"] = trial.suggest_float("learning_rate", 0.0001, 0.01, log=True)
        config = base.replace(target_update=copies, **rest)
        runs = [lesson.train(make_env(), config, parts, seed) for seed in seeds]
        env = make_env()
        scores = [lesson.evaluate(run.agent.network, env, 10, VALIDATION_SEED) for run in runs]
        return np.concatenate(scores).mean()

    assert verdict(lesson.tune_objective, tune).outcome == "correct"
    judged = verdict(lesson.tune_objective, in_another_order)
    assert judged.outcome == "correct", judged


def tuned(**changes):
    return lambda *args: tune(*args, **changes)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (shares_one_network, "1 network for 2 seeds: train a fresh one for each"),
        (tuned(asked=lambda t: ask(t, rate=(1e-4, 1e-2, False))), "learning_rate: is it on a log scale or not"),
        (tuned(asked=lambda t: ask(t, gamma=(0.5, 0.999))), "gamma is drawn from another range"),
        (tuned(asked=lambda t: ask(t, batches=(64, 128))), "batch_size is drawn from another range"),
        (tuned(used=lambda values: {}), "the runs do not use the suggested learning_rate"),
        (tuned(used=lambda values: values | {"total_steps": 24}), "should come from base"),
        (tuned(mean=sum), "it adds the seeds up"),
        (tuned(mean=lambda scores: scores[0]), "only the first seed's score is returned"),
        (tuned(mean=lambda scores: scores[-1]), "only the last seed's score is returned"),
        (tuned(judge=False), "the score comes from training"),
        (tuned(first=0), "should each play 10 episodes from VALIDATION_SEED on"),
        (lambda t, e, b, p, seeds: tune(t, e, b, p, seeds[:1]), "train a fresh one for each"),
        (lambda t, e, b, p, seeds: tune(t, e, b, p, [9, 10]), "the runs start from seeds [9"),
        (
            tuned(asked=lambda t: {"gamma": t.suggest_float("gamma", 0.9, 0.999), "lr": t.suggest_float("lr", 0, 1)}),
            "it asks for 'lr', which the docstring does not name",
        ),
        (tuned(asked=lambda t: {"gamma": t.suggest_float("gamma", 0.9, 0.999)}), "the trial is not asked for"),
    ],
)
def test_mistakes_in_tune_objective(answer, message):
    assert message in wrong(lesson.tune_objective, answer)
