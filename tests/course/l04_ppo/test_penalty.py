"""What PPO is told of its training episodes where an illegal action costs a penalty, and the record of it."""

import numpy as np

from binpack.agents.evaluation import evaluate
from binpack.core.statistics import verdict
from binpack.course.l04_ppo import masking, penalty, record_penalty, rival_results
from binpack.search.recorder import Job


def test_episodes_of_training_are_averaged_between_the_points():
    means = penalty.training_episodes((1_000, 2_000), seed=0)
    lengths, returns, packed = (np.array(means[name]) for name in ("length", "return", "utilization"))
    assert lengths.shape == (2,) and (lengths > 1).all() and (lengths <= masking.LIMIT).all()
    assert ((packed > 0) & (packed < 1)).all()
    # each step brings an item's share or costs 0.1
    assert (returns < packed).all() and (returns > -0.1 * lengths).all()
    assert means["seconds"] > 0


def test_what_is_recorded_of_a_run(monkeypatch):
    monkeypatch.setattr(record_penalty, "AT", (1_024,))
    row = record_penalty.run(Job({"arm": penalty.ARM, "seed": 0}))
    assert set(row) == {"return", "utilization", "length", "seconds"}
    assert [job.key["seed"] for job in record_penalty.jobs()] == list(range(10))


class TestRecord:
    told = rival_results.penalty_runs()

    def test_it_has_ten_seeds(self):
        assert all(
            each.seeds.tolist() == list(range(10)) and each.scores.shape == (10, 20) for each in self.told.values()
        )

    def test_what_the_lesson_says_of_it(self):
        first, last = ({name: each.scores[:, place] for name, each in self.told.items()} for place in (0, -1))
        assert verdict(last["return"], first["return"]).word == "ahead"
        assert verdict(last["utilization"], first["utilization"]).word == "behind"
        assert (last["length"] < first["length"] / 2).all()
        guesses = (self.told["utilization"].scores - self.told["return"].scores) / 0.1
        items = self.told["length"].scores - guesses
        assert guesses[:, 2].mean() > 15 and guesses[:, -1].mean() < 1.5
        assert items[:, 2].mean() > 2.8 and items[:, -1].mean() < 2.4
        means = {name: each.scores.mean(axis=0) for name, each in self.told.items()}
        assert (np.diff(means["return"][2:]) > 0).all() and (np.diff(means["utilization"][5:]) < 0.005).all()

    def test_what_is_said_of_masks(self):
        free, masked = rival_results.masking_runs("free"), rival_results.masking_runs("masked")
        random = evaluate("random", masking.validation_streams(), masking.ENV, verify=False).mean
        assert free["stays, 0.1"].final.max() < random and masked["stays, 0.1"].final.max() < random
        assert not verdict(free["stays, 0.01"].final, free["ends"].final).separable
        for arm in ("ends", "stays, 0.01"):
            assert verdict(masked[arm].final, free[arm].final).word == "ahead"
            assert verdict(masked["mask"].final, masked[arm].final).word == "ahead"
        assert (free["mask"].final < free["stays, 0.1"].final).all()
