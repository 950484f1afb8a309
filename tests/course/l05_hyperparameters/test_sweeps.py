"""Which runs lesson 05 records."""

from binpack.course.l05_hyperparameters.sweeps import DEFAULT, ENVS, GRIDS, SEEDS, VALUES, changes, config, jobs


def test_every_value_is_run_once_with_every_seed():
    settings = list(changes())
    assert settings[0] == {} and all(settings.count(each) == 1 for each in settings)
    for name, values in VALUES.items():
        assert DEFAULT[name] in values and len(set(values)) == len(values)
        assert len(values) >= 6 or name == "normalize_advantage"
        assert all({name: value} in settings for value in values if value != DEFAULT[name])
    listed = jobs()
    assert len(SEEDS) == 10 and len(listed) == len(settings) * 10
    assert [job.key["seed"] for job in listed[: len(settings)]] == [0] * len(settings)


def test_the_cells_of_a_grid_that_lie_on_a_sweep_are_not_run_twice():
    settings = list(changes())
    for (one, other), (ones, others) in GRIDS.items():
        both = [each for each in settings if one in each and other in each and len(each) == 2]
        off = [(a, b) for a in ones for b in others if a != DEFAULT[one] and b != DEFAULT[other]]
        assert len(both) == len(off)


def test_a_setting_changes_what_it_names_and_nothing_else():
    for change in changes():
        made, default = config(change, 3), config({}, 3)
        assert made.n_envs == change.get("n_envs", ENVS) and made.seed == 3
        got, base = made.ppo.model_dump(), default.ppo.model_dump()
        differs = {name for name in base if got[name] != base[name]}
        assert differs == set(change) - {"n_envs"}
        assert made.env == default.env and made.eval_seed == default.eval_seed
        assert made.rollout == 2048 or "n_steps" in change
