"""Films of an agent: what is played, and what an animation holds."""

import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from binpack.course.l02_deep_q_network import films


def test_a_film_shows_the_episode_that_was_played():
    taken = []

    def right(observation):
        taken.append(observation)
        return 1

    film = films.play("CartPole-v1", right, seed=3)
    assert film.total == film.steps == len(taken) < 20, "pushed to one side the pole soon falls"
    assert len(film.frames) == 1 + -(-film.steps // films.EVERY)
    assert all(frame.shape == (*films.SIZE[::-1], 3) for frame in film.frames)
    assert not np.array_equal(film.frames[0], film.frames[-1])
    again = films.play("CartPole-v1", right, seed=3)
    assert again.steps == film.steps and np.array_equal(again.frames[-1], film.frames[-1])


def test_an_animation_holds_every_picture_in_its_colours():
    colors = [(255, 255, 255), (200, 30, 30), (30, 30, 200)]
    frames = [np.full((20, 30, 3), color, np.uint8) for color in colors]
    picture = Image.open(io.BytesIO(films.animated_png(frames)))
    shown = [np.asarray(frame.convert("RGB"))[10, 10] for frame in ImageSequence.Iterator(picture)]
    assert np.abs(np.array(shown, int) - colors).max() <= 8
    times = [frame.info["duration"] for frame in ImageSequence.Iterator(picture)]
    assert times[:-1] == [1000 * films.EVERY / films.FRAMES_PER_SECOND] * 2 and times[-1] == pytest.approx(1500)


def test_outside_a_notebook_a_film_is_its_text(capsys):
    films.show(films.Film([np.zeros((2, 2, 3), np.uint8)], 1.0, 1), "it falls")
    assert capsys.readouterr().out == "it falls\n"
