"""Answers to the exercises of lesson 02b: right ones in other styles, and wrong ones with what they must be told."""

import copy
import pickle
import statistics

import numpy as np
import torch

from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, Replay
from binpack.course.l02_deep_q_network.exercises import evaluate, train

# ------------------------------------------------------------------------------------------------------- save_and_load


def save_and_load__open_files(network, path, fresh):
    with path.open("wb") as file:
        torch.save({name: weights.clone() for name, weights in network.state_dict().items()}, file)
    with path.open("rb") as file:
        weights = torch.load(file, map_location="cpu", weights_only=True)
    fresh.load_state_dict(weights)
    return fresh


def save_and_load__weight_by_weight(network, path, fresh):
    torch.save(network.state_dict(), str(path))
    saved = torch.load(str(path))
    with torch.no_grad():
        for name, weights in fresh.named_parameters():
            weights.copy_(saved[name])
    return fresh


def save_and_load__wrong_whole_module(network, path, fresh):
    """the file holds the whole module, a Python object"""
    torch.save(network, path)
    fresh.load_state_dict(torch.load(path, weights_only=False).state_dict())
    return fresh


def save_and_load__wrong_pickled_module(network, path, fresh):
    """the file holds the whole module, a Python object"""
    with path.open("wb") as file:
        pickle.dump(network, file)
    with path.open("rb") as file:
        fresh.load_state_dict(pickle.load(file).state_dict())
    return fresh


def save_and_load__wrong_pickled_weights(network, path, fresh):
    """the file holds the weights, but as a plain pickle"""
    with path.open("wb") as file:
        pickle.dump(network.state_dict(), file)
    with path.open("rb") as file:
        fresh.load_state_dict(pickle.load(file))
    return fresh


def save_and_load__wrong_numpy_weights(network, path, fresh):
    """torch.load(path, weights_only=True) cannot read the file"""
    np.savez(path, **{name: weights.numpy() for name, weights in network.state_dict().items()})
    path.with_suffix(".pt.npz").rename(path)
    with np.load(path) as saved:
        fresh.load_state_dict({name: torch.from_numpy(saved[name]) for name in saved.files})
    return fresh


def save_and_load__wrong_no_file(network, path, fresh):
    """there is no file at the path"""
    fresh.load_state_dict(network.state_dict())
    return fresh


def save_and_load__wrong_not_loaded(network, path, fresh):
    """is load_state_dict called?"""
    torch.save(network.state_dict(), path)
    torch.load(path)
    return fresh


def save_and_load__wrong_never_read(network, path, fresh):
    """fill the fresh network with what torch.load reads"""
    torch.save(network.state_dict(), path)
    fresh.load_state_dict(network.state_dict())
    return fresh


def save_and_load__wrong_read_for_nothing(network, path, fresh):
    """fill the fresh network with what torch.load reads"""
    torch.save(network.state_dict(), path)
    torch.load(path, weights_only=True)
    fresh.load_state_dict(network.state_dict())
    return fresh


def save_and_load__wrong_unsafe(network, path, fresh):
    """weights_only=False runs whatever code a file holds"""
    torch.save(network.state_dict(), path)
    fresh.load_state_dict(torch.load(path, weights_only=False))
    return fresh


def save_and_load__wrong_old_network(network, path, fresh):
    """it returns the network that was saved"""
    torch.save(network.state_dict(), path)
    fresh.load_state_dict(torch.load(path))
    return network


def save_and_load__wrong_fresh_one_saved(network, path, fresh):
    """the file holds other weights than the network's"""
    torch.save(fresh.state_dict(), path)
    return fresh


def save_and_load__wrong_nested(network, path, fresh):
    """the file should hold the network's state_dict()"""
    torch.save({"weights": network.state_dict(), "steps": 3}, path)
    fresh.load_state_dict(torch.load(path)["weights"])
    return fresh


def save_and_load__wrong_no_return(network, path, fresh):
    """is there a return?"""
    torch.save(network.state_dict(), path)
    fresh.load_state_dict(torch.load(path))


def save_and_load__wrong_a_copy(network, path, fresh):
    """another network than the fresh one is returned"""
    torch.save(network.state_dict(), path)
    other = copy.deepcopy(fresh)
    other.load_state_dict(torch.load(path))
    return other


# ------------------------------------------------------------------------------------------------------------- is_over


def is_over__any(terminated, truncated):
    return any((terminated, truncated))


def is_over__arithmetic(terminated, truncated):
    return int(terminated) + int(truncated) > 0


def is_over__wrong_truncated_only(terminated, truncated):
    """an episode that terminates goes on"""
    return truncated


def is_over__wrong_both(terminated, truncated):
    """it waits until both are true"""
    return terminated and truncated


def is_over__wrong_turned_round(terminated, truncated):
    """it is turned round"""
    return not terminated and not truncated


def is_over__wrong_exactly_one(terminated, truncated):
    """got False, expected True, for terminated=True, truncated=True"""
    return terminated != truncated


def is_over__wrong_always(terminated, truncated):
    """it is over after every step"""
    return True


def is_over__wrong_never(terminated, truncated):
    """it is never over"""
    return False


def is_over__wrong_python_bools_only(terminated, truncated):
    """got False, expected True"""
    return terminated is True or truncated is True


# ------------------------------------------------------------------------------------------------------- prepare_study


def prepare_study__lines_moved(parts, n_inputs, n_actions):
    def begin_trial():
        network = parts.make_network(n_inputs, n_actions)
        replay = parts.make_replay(10_000, n_inputs)
        return network, replay

    return begin_trial


def prepare_study__lambda(parts, n_inputs, n_actions):
    return lambda: [parts.make_network(n_inputs, n_actions), parts.make_replay(10_000, n_inputs)]


def prepare_study__wrong_shared_buffer(parts, n_inputs, n_actions):
    """the trials of a study get the same buffer"""
    replay = parts.make_replay(10_000, n_inputs)
    return lambda: (parts.make_network(n_inputs, n_actions), replay)


def prepare_study__wrong_shared_network(parts, n_inputs, n_actions):
    """the trials of a study get the same network"""
    network = parts.make_network(n_inputs, n_actions)
    return lambda: (network, parts.make_replay(10_000, n_inputs))


def prepare_study__wrong_still_shared(parts, n_inputs, n_actions):
    """the trials of a study get the same network and replay buffer"""
    network, replay = parts.make_network(n_inputs, n_actions), Replay(10_000, n_inputs)
    return lambda: (network, replay)


def prepare_study__wrong_copies(parts, n_inputs, n_actions):
    """all start from the same weights"""
    network = parts.make_network(n_inputs, n_actions)
    return lambda: (copy.deepcopy(network), parts.make_replay(10_000, n_inputs))


def prepare_study__wrong_called(parts, n_inputs, n_actions):
    """it should return a function, begin_trial without brackets"""
    return parts.make_network(n_inputs, n_actions), parts.make_replay(10_000, n_inputs)


def prepare_study__wrong_no_return(parts, n_inputs, n_actions):
    """it should return a function, begin_trial without brackets: is there a return?"""

    def begin_trial():
        return parts.make_network(n_inputs, n_actions), parts.make_replay(10_000, n_inputs)


def prepare_study__wrong_network_only(parts, n_inputs, n_actions):
    """begin_trial should return two things"""
    return lambda: parts.make_network(n_inputs, n_actions)


def prepare_study__wrong_order(parts, n_inputs, n_actions):
    """begin_trial returns the buffer first"""
    return lambda: (parts.make_replay(10_000, n_inputs), parts.make_network(n_inputs, n_actions))


def prepare_study__wrong_sizes(parts, n_inputs, n_actions):
    """the network should map n_inputs numbers to n_actions"""
    return lambda: (parts.make_network(n_actions, n_inputs), parts.make_replay(10_000, n_inputs))


# ------------------------------------------------------------------------------------------------------------- suggest


def suggest__exponents(trial, base):
    exponent = trial.suggest_float("exponent", -4, -2)
    return base.replace(learning_rate=10**exponent, gamma=trial.suggest_float("gamma", 0.9, 0.999))


def suggest__horizon(trial, base):
    horizon = trial.suggest_float("horizon", 10, 1000, log=True)
    rate = trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
    return base.replace(gamma=1 - 1 / horizon).replace(learning_rate=rate)


def suggest__wrong_rate_not_on_a_log_scale(trial, base):
    """of 200 learning rates lie below 1e-3"""
    return base.replace(
        gamma=trial.suggest_float("gamma", 0.9, 0.999), learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2)
    )


def suggest__wrong_old_rates(trial, base):
    """draws of learning_rate lie outside of 0.0001 to 0.01"""
    return base.replace(
        gamma=trial.suggest_float("gamma", 0.9, 0.999),
        learning_rate=trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True),
    )


def suggest__wrong_old_gamma(trial, base):
    """of 200 draws of gamma lie outside of 0.9 to 0.999"""
    return base.replace(
        gamma=trial.suggest_float("gamma", 1e-5, 1e-1),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    )


def suggest__wrong_gamma_too_wide(trial, base):
    """draws of gamma lie outside of 0.9 to 0.999"""
    return base.replace(
        gamma=trial.suggest_float("gamma", 0.0, 1.0),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    )


def suggest__wrong_gamma_too_narrow(trial, base):
    """no draw looks as little as 10 steps ahead"""
    return base.replace(
        gamma=trial.suggest_float("gamma", 0.98, 0.999),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    )


def suggest__wrong_gamma_short_sighted(trial, base):
    """no draw looks more than 100 steps ahead"""
    return base.replace(
        gamma=trial.suggest_float("gamma", 0.9, 0.98),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    )


def suggest__wrong_in_place(trial, base):
    """base.replace(gamma=...) makes a changed copy"""
    base.gamma = trial.suggest_float("gamma", 0.9, 0.999)
    return base


def suggest__wrong_dictionary(trial, base):
    """the result should be a DQNConfig, not a dict"""
    return {"gamma": trial.suggest_float("gamma", 0.9, 0.999)}


def suggest__wrong_other_setting(trial, base):
    """a setting other than gamma and learning_rate is changed"""
    return base.replace(
        gamma=trial.suggest_float("gamma", 0.9, 0.999),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        batch_size=trial.suggest_categorical("batch_size", [32, 128]),
    )


# ------------------------------------------------------------------------------------------------------ tune_objective


def tune_objective__all_runs_first(trial, suggest, make_env, base, parts, seeds):
    config, env = suggest(trial, base), make_env()
    runs = [train(make_env(), config, parts, seed) for seed in seeds]
    returns = [evaluate(run.agent.network, env, 10, VALIDATION_SEED) for run in runs]
    return np.concatenate(returns).mean()


def tune_objective__statistics(trial, suggest, make_env, base, parts, seeds):
    def score(seed):
        run = train(make_env(), suggest(trial, base), parts, seed=seed)
        return statistics.fmean(evaluate(run.agent.network, make_env(), episodes=10, seed=VALIDATION_SEED))

    return statistics.fmean(map(score, seeds))


def _scores(trial, suggest, make_env, base, parts, seeds, first=VALIDATION_SEED, episodes=10):
    config = suggest(trial, base)
    runs = [train(make_env(), config, parts, seed) for seed in seeds]
    return [
        float(np.mean(evaluate(run.agent.network, make_env(), episodes, seed if first is None else first)))
        for seed, run in zip(seeds, runs, strict=True)
    ]


def tune_objective__wrong_best_run(trial, suggest, make_env, base, parts, seeds):
    """it returns the best run's score: take the mean over the seeds"""
    return max(_scores(trial, suggest, make_env, base, parts, seeds))


def tune_objective__wrong_worst_run(trial, suggest, make_env, base, parts, seeds):
    """it returns the worst run's score: take the mean over the seeds"""
    return min(_scores(trial, suggest, make_env, base, parts, seeds))


def tune_objective__wrong_sum(trial, suggest, make_env, base, parts, seeds):
    """it adds the runs' scores up: take their mean"""
    return sum(_scores(trial, suggest, make_env, base, parts, seeds))


def tune_objective__wrong_last_run(trial, suggest, make_env, base, parts, seeds):
    """it returns the last seed's score: take the mean over the seeds"""
    return _scores(trial, suggest, make_env, base, parts, seeds)[-1]


def tune_objective__wrong_training_seed(trial, suggest, make_env, base, parts, seeds):
    """it judges an agent on episodes that start from a training seed"""
    return np.mean(_scores(trial, suggest, make_env, base, parts, seeds, first=None))


def tune_objective__wrong_seed_zero(trial, suggest, make_env, base, parts, seeds):
    """each run should be judged by the 10 episodes from VALIDATION_SEED on"""
    return np.mean(_scores(trial, suggest, make_env, base, parts, seeds, first=100))


def tune_objective__wrong_five_episodes(trial, suggest, make_env, base, parts, seeds):
    """each run should be judged by the 10 episodes from VALIDATION_SEED on"""
    return np.mean(_scores(trial, suggest, make_env, base, parts, seeds, episodes=5))


def tune_objective__wrong_training_returns(trial, suggest, make_env, base, parts, seeds):
    """no episode is played after training"""
    config = suggest(trial, base)
    return np.mean([np.mean(train(make_env(), config, parts, seed).returns) for seed in seeds])


def tune_objective__wrong_target_network(trial, suggest, make_env, base, parts, seeds):
    """it does not judge run.agent.network, which is the trained one"""
    config = suggest(trial, base)
    runs = [train(make_env(), config, parts, seed) for seed in seeds]
    return np.mean([evaluate(run.agent.target, make_env(), 10, VALIDATION_SEED) for run in runs])


def tune_objective__wrong_base(trial, suggest, make_env, base, parts, seeds):
    """the runs should use the settings that suggest returned"""
    return np.mean(_scores(trial, lambda trial, base: base, make_env, base, parts, seeds))


def tune_objective__wrong_one_seed(trial, suggest, make_env, base, parts, seeds):
    """each seed should train one run, which starts from it"""
    return np.mean(_scores(trial, suggest, make_env, base, parts, seeds[:1]))


def tune_objective__wrong_one_network(trial, suggest, make_env, base, parts, seeds):
    """each seed should train a fresh network"""
    network = parts.make_network(2, 3)
    shared = parts.replace(make_network=lambda *sizes: network)
    return np.mean(_scores(trial, suggest, make_env, base, shared, seeds))


def tune_objective__wrong_other_seeds(trial, suggest, make_env, base, parts, seeds):
    """each seed should train one run, which starts from it"""
    return np.mean(_scores(trial, suggest, make_env, base, parts, range(len(seeds))))


def tune_objective__wrong_printed(trial, suggest, make_env, base, parts, seeds):
    """it prints its answer and returns None"""
    print(np.mean(_scores(trial, suggest, make_env, base, parts, seeds)))
