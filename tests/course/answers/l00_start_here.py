"""What learners may write in lesson 00."""

import numpy as np

# ------------------------------------------------------------------------------------------------------ utilization


def utilization__loop(boxes, bin_size):
    filled = 0
    for _x, _y, _z, length, width, height in boxes.tolist():
        filled += length * width * height
    return filled / np.prod(bin_size)


def utilization__columns(boxes, bin_size):
    return boxes[:, 3:].prod(axis=1).sum() / np.prod(bin_size)


def utilization__zero_dimensional(boxes, bin_size):
    length, width, height = bin_size
    return np.array(sum(np.prod(box[3:]) for box in boxes)) / (length * width * height)


def utilization__einsum(boxes, bin_size):
    return np.einsum("i,i,i->", *boxes[:, 3:].T.astype(float)) / (bin_size[0] * bin_size[1] * bin_size[2])


def utilization__wrong_volume(boxes, bin_size):
    """it returns a volume: divide by the volume of the bin"""
    return boxes[:, 3:].prod(axis=1).sum()


def utilization__wrong_percentage(boxes, bin_size):
    """it returns a percentage"""
    return 100 * boxes[:, 3:].prod(axis=1).sum() / np.prod(bin_size)


def utilization__wrong_rounds_down(boxes, bin_size):
    """the share is rounded down to a whole number"""
    return boxes[:, 3:].prod(axis=1).sum() // np.prod(bin_size)


def utilization__wrong_corners(boxes, bin_size):
    """it multiplies x, y and z"""
    return boxes[:, :3].prod(axis=1).sum() / np.prod(bin_size)


def utilization__wrong_empty_share(boxes, bin_size):
    """it returns the empty share"""
    return 1 - boxes[:, 3:].prod(axis=1).sum() / np.prod(bin_size)


def utilization__wrong_count(boxes, bin_size):
    """it counts the boxes"""
    return len(boxes) / np.prod(bin_size)


def utilization__wrong_edges(boxes, bin_size):
    """it adds the edges of a box"""
    return boxes[:, 3:].sum() / np.prod(bin_size)


def utilization__wrong_thousand(boxes, bin_size):
    """it divides by 1000: use bin_size"""
    return boxes[:, 3:].prod(axis=1).sum() / 1000


def utilization__wrong_no_sum(boxes, bin_size):
    """the utilization should be one number"""
    return boxes[:, 3:].prod(axis=1) / np.prod(bin_size)


def utilization__wrong_mean_of_an_empty_bin(boxes, bin_size):
    """got nan, expected 0"""
    return boxes[:, 3:].prod(axis=1).mean() * len(boxes) / np.prod(bin_size)


def utilization__wrong_first_box(boxes, bin_size):
    """got 0.05, expected 0.0833333"""
    return boxes[:1, 3:].prod(axis=1).sum() / np.prod(bin_size)


def utilization__wrong_overwrites(boxes, bin_size):
    """it changes its argument boxes"""
    boxes[:, 3] *= boxes[:, 4] * boxes[:, 5]
    return boxes[:, 3].sum() / np.prod(bin_size)


def utilization__wrong_brackets(boxes, bin_size):
    """put the product in brackets"""
    volumes = boxes[:, 3] * boxes[:, 4] * boxes[:, 5]
    return volumes.sum() / bin_size[0] * bin_size[1] * bin_size[2]
