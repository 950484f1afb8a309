"""Answers to the exercises of lesson 03: right ones in other styles, and wrong ones with what they must be told."""

import itertools

import numpy as np

from binpack.core import placement

windows = np.lib.stride_tricks.sliding_window_view

# -------------------------------------------------------------------------------------------------- landing_height


def landing_height__slice(heights, item, x, y):
    return heights[x : x + item[0], y : y + item[1]].max()


def landing_height__sorted_list(heights, item, x, y):
    cells = [float(heights[x + i][y + j]) for i in range(item[0]) for j in range(item[1])]
    return sorted(cells)[-1]


def landing_height__wrong_one_cell(heights, item, x, y):
    """it looks at the cell (x, y) alone"""
    return heights[x, y]


def landing_height__wrong_lowest(heights, item, x, y):
    """it returns the lowest cell under the base"""
    return heights[x : x + item[0], y : y + item[1]].min()


def landing_height__wrong_top(heights, item, x, y):
    """it returns the height of the box's top"""
    return heights[x : x + item[0], y : y + item[1]].max() + item[2]


def landing_height__wrong_whole_bin(heights, item, x, y):
    """it returns the highest cell of the whole bin"""
    return heights.max()


def landing_height__wrong_short(heights, item, x, y):
    """it leaves out the last row and the last column of the base"""
    z = 0
    for i in range(x, x + item[0] - 1):
        for j in range(y, y + item[1] - 1):
            z = max(z, heights[i, j])
    return z


def landing_height__wrong_short_along_y(heights, item, x, y):
    """it leaves out the last cells of the base along y"""
    z = 0
    for i in range(x, x + item[0]):
        for j in range(y, y + item[1] - 1):
            z = max(z, heights[i, j])
    return z


def landing_height__wrong_return_in_loop(heights, item, x, y):
    """is the return inside the outer loop?"""
    z = 0
    for i in range(x, x + item[0]):
        for j in range(y, y + item[1]):
            z = max(z, heights[i, j])
        return z


def landing_height__wrong_ends(heights, item, x, y):
    """its ranges end at item[0] and item[1]"""
    z = 0
    for i in range(x, item[0]):
        for j in range(y, item[1]):
            z = max(z, heights[i, j])
    return z


def landing_height__wrong_long(heights, item, x, y):
    """its base is one cell too long along x and along y"""
    z = 0
    for i in range(x, x + item[0] + 1):
        for j in range(y, y + item[1] + 1):
            z = max(z, heights[i, j])
    return z


def landing_height__wrong_edges_exchanged(heights, item, x, y):
    """item[0] and item[1] are exchanged"""
    return heights[x : x + item[1], y : y + item[0]].max()


def landing_height__wrong_indices(heights, item, x, y):
    """the two indices of heights are exchanged"""
    z = 0
    for i in range(x, x + item[0]):
        for j in range(y, y + item[1]):
            z = max(z, heights[j, i])
    return z


def landing_height__wrong_y_first(heights, item, x, y):
    """its base starts at (y, x)"""
    return heights[y : y + item[0], x : x + item[1]].max()


def landing_height__wrong_mean(heights, item, x, y):
    """the landing height should be a whole number (int), not 1.5"""
    return heights[x : x + item[0], y : y + item[1]].mean()


def landing_height__wrong_window(heights, item, x, y):
    """the landing height should be a whole number (int), not an array of int64 of shape (2, 2)"""
    return heights[x : x + item[0], y : y + item[1]]


def landing_height__wrong_writes(heights, item, x, y):
    """it changes its argument heights"""
    base = heights[x : x + item[0], y : y + item[1]]
    z = base.max()
    base[:] = z + item[2]
    return z


def landing_height__wrong_prints(heights, item, x, y):
    """it prints its answer and returns None"""
    print(heights[x : x + item[0], y : y + item[1]].max())


def landing_height__wrong_far_walls(heights, item, x, y):
    """a base that touches the far walls comes out wrong"""
    z = 0
    for i in range(x, min(x + item[0], len(heights) - 1)):
        for j in range(y, y + item[1]):
            z = max(z, heights[i, j])
    return z


def landing_height__wrong_starts_at_one(heights, item, x, y):
    """got 1, expected 0"""
    return max(1, heights[x : x + item[0], y : y + item[1]].max())


# ------------------------------------------------------------------------------------------------- landing_heights


def landing_heights__shifts(heights, item):
    rows, columns = heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1
    top = np.zeros((rows, columns))
    for i in range(item[0]):
        for j in range(item[1]):
            top = np.maximum(top, heights[i : i + rows, j : j + columns])
    return top


def landing_heights__cumulative_maxima(heights, item):
    columns = heights.shape[1] - item[1] + 1
    rows = heights.shape[0] - item[0] + 1
    along_x = np.stack([np.maximum.accumulate(heights[i : i + item[0]])[-1] for i in range(rows)])
    return np.stack([np.maximum.accumulate(along_x[:, j : j + item[1]], 1)[:, -1] for j in range(columns)], axis=1)


def landing_heights__wrong_cell_by_cell(heights, item):
    """is there a loop over places?"""
    rows, columns = heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1
    return [[heights[x : x + item[0], y : y + item[1]].max() for y in range(columns)] for x in range(rows)]


def landing_heights__wrong_minimum(heights, item):
    """it takes minima"""
    return windows(heights, item[:2]).min((2, 3))


def landing_heights__wrong_top(heights, item):
    """it adds the box's own height"""
    return windows(heights, item[:2]).max((2, 3)) + item[2]


def landing_heights__wrong_corner_cell(heights, item):
    """it returns the height of the corner's cell alone"""
    return heights[: heights.shape[0] - item[0] + 1, : heights.shape[1] - item[1] + 1]


def landing_heights__wrong_last_place(heights, item):
    """the last place along each axis is missing"""
    rows, columns = heights.shape[0] - item[0], heights.shape[1] - item[1]
    top = np.zeros((rows, columns), int)
    for i in range(item[0]):
        for j in range(item[1]):
            top = np.maximum(top, heights[i : i + rows, j : j + columns])
    return top


def landing_heights__wrong_one_axis(heights, item):
    """it reduces the last axis only"""
    return windows(heights, item[:2]).max(3)


def landing_heights__wrong_edges_exchanged(heights, item):
    """item[0] and item[1] are exchanged"""
    length, width, _ = item
    return windows(heights, (width, length)).max((2, 3))


def landing_heights__wrong_places(heights, item):
    """it reduces the places and not the cells"""
    return windows(heights, item[:2]).max(axis=(0, 1))


def landing_heights__wrong_every_cell(heights, item):
    """it has a value for every cell"""
    cells = itertools.product(range(heights.shape[0]), range(heights.shape[1]))
    return np.array([heights[x : x + item[0], y : y + item[1]].max() for x, y in cells]).reshape(heights.shape)


def landing_heights__wrong_every_cell_with_minus_one(heights, item):
    """the result has shape (4, 3), expected (3, 2)"""
    return placement.landing_heights(heights[None], np.array([[item]]))[0, 0]


def landing_heights__wrong_mean(heights, item):
    """the landing heights should be an array of whole numbers"""
    return windows(heights, item[:2]).mean((2, 3))


def landing_heights__wrong_one_number(heights, item):
    """the result has shape (), expected (3, 2)"""
    return windows(heights, item[:2]).max()


# --------------------------------------------------------------------------------------------------- fraction_mask


def fraction_mask__cell_by_cell(heights, item, share):
    mask = np.zeros((heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1), int)
    for x, y in np.ndindex(mask.shape):
        under = heights[x : x + item[0], y : y + item[1]]
        mask[x, y] = np.mean(under == under.max()) >= share
    return mask


def fraction_mask__einsum(heights, item, share):
    under = windows(heights, item[:2])
    bearing = (under == under.max(axis=(2, 3), keepdims=True)).astype(float)
    return np.einsum("xyij->xy", bearing) / (item[0] * item[1]) >= share


def _bearing(heights, item):
    under = windows(heights, item[:2])
    return under == under.max((2, 3))[..., None, None]


def fraction_mask__wrong_above(heights, item, share):
    """at least means >=, not >"""
    return _bearing(heights, item).mean((2, 3)) > share


def fraction_mask__wrong_cells_of_floats(heights, item, share):
    """in floats 0.8 * 3 * 5 is 12.000000000000002"""
    return _bearing(heights, item).sum(axis=(2, 3)) >= share * item[0] * item[1]


def fraction_mask__wrong_cells_of_area(heights, item, share):
    """in floats 0.28 * 25 is 7.000000000000001"""
    length, width, _ = item
    area = length * width
    return _bearing(heights, item).sum(axis=(2, 3)) >= area * share


def fraction_mask__wrong_exchanged(heights, item, share):
    """accepted and refused are exchanged"""
    return _bearing(heights, item).mean((2, 3)) < share


def fraction_mask__wrong_count(heights, item, share):
    """every place is accepted, whatever the share"""
    return _bearing(heights, item).sum((2, 3)) >= share


def fraction_mask__wrong_all_below(heights, item, share):
    """every place is accepted, whatever the share"""
    return (windows(heights, item[:2]) <= windows(heights, item[:2]).max((2, 3))[..., None, None]).mean((2, 3)) >= share


def fraction_mask__wrong_corner_cell(heights, item, share):
    """here it is compared with the cell (x, y)"""
    under = windows(heights, item[:2])
    return (under == under[:, :, 0, 0][..., None, None]).mean((2, 3)) >= share


def fraction_mask__wrong_floor(heights, item, share):
    """only the floor bears here"""
    return (windows(heights, item[:2]) == 0).mean((2, 3)) >= share


def fraction_mask__wrong_not_bare(heights, item, share):
    """every cell that is not bare floor is taken to bear"""
    return (windows(heights, item[:2]) > 0).mean((2, 3)) >= share


def fraction_mask__wrong_volume(heights, item, share):
    """the bearing cells are divided by the volume of the box"""
    return _bearing(heights, item).sum((2, 3)) / np.prod(item) >= share


def fraction_mask__wrong_share_itself(heights, item, share):
    """the mask should be an array of True and False, not an array of float64"""
    return _bearing(heights, item).mean((2, 3))


def fraction_mask__wrong_not_reduced(heights, item, share):
    """it has a value for every cell of a window still"""
    return _bearing(heights, item)


def fraction_mask__wrong_edges_exchanged(heights, item, share):
    """item[0] and item[1] are exchanged"""
    return _bearing(heights, item[1::-1]).mean((2, 3)) >= share


def fraction_mask__wrong_half(heights, item, share):
    """got True, expected False at [0, 2]; 4 of 12 places differ"""
    return _bearing(heights, item).mean((2, 3)) >= share / 2


# --------------------------------------------------------------------------------------------------- decode_action


def decode_action__floor_division(action, orientations, length, width):
    cells = length * width
    candidate = action // cells
    return [candidate // orientations, candidate % orientations, action % cells // width, action % width]


def decode_action__unravel(action, orientations, length, width):
    return np.unravel_index(action, (1000, orientations, length, width))


def _decoded(action, orientations, length, width):
    rest, y = divmod(action, width)
    candidate, x = divmod(rest, length)
    return *divmod(candidate, orientations), x, y


def decode_action__wrong_xy(action, orientations, length, width):
    """x and y are exchanged"""
    item, orientation, x, y = _decoded(action, orientations, length, width)
    return item, orientation, y, x


def decode_action__wrong_item_and_orientation(action, orientations, length, width):
    """item and orientation are exchanged"""
    item, orientation, x, y = _decoded(action, orientations, length, width)
    return orientation, item, x, y


def decode_action__wrong_by_length(action, orientations, length, width):
    """x and y come from a division by L"""
    candidate, cell = divmod(action, length * width)
    return *divmod(candidate, orientations), *divmod(cell, length)


def decode_action__wrong_not_divided_by_orientations(action, orientations, length, width):
    """the item still holds the orientation"""
    rest, y = divmod(action, width)
    candidate, x = divmod(rest, length)
    return candidate, candidate % orientations, x, y


def decode_action__wrong_order(action, orientations, length, width):
    """the order is turned round"""
    return _decoded(action, orientations, length, width)[::-1]


def decode_action__wrong_x_not_divided(action, orientations, length, width):
    """x is not divided by L"""
    return *_decoded(action, orientations, length, width)[:2], action // width, action % width


def decode_action__wrong_places_first(action, orientations, length, width):
    """all four are there, in another order"""
    item, orientation, x, y = _decoded(action, orientations, length, width)
    return x, y, orientation, item


def decode_action__wrong_from_one(action, orientations, length, width):
    """everything is one too large"""
    return [part + 1 for part in _decoded(action, orientations, length, width)]


def decode_action__wrong_broken_numbers(action, orientations, length, width):
    """x should be a whole number (int), not"""
    return action // (orientations * length * width), action // (length * width) % orientations, action / width, 0


def decode_action__wrong_two(action, orientations, length, width):
    """the placement should hold 4 values, not 2"""
    return divmod(action, width)


def decode_action__wrong_fixed_sizes(action, orientations, length, width):
    """expected (0, 5, 1, 2), for action=35, orientations=6, length=2, width=3"""
    return _decoded(action, 2, 9, 7)


# ----------------------------------------------------------------------------------------------------- action_mask


def action_mask__loops(landing, items, bin_height, supported):
    flat = []
    for k, x, y in np.ndindex(landing.shape):
        z = landing[k, x, y]
        flat.append(bool(z >= 0 and z + items[k][2] <= bin_height and supported[k, x, y]))
    return flat


def action_mask__zeros_filled(landing, items, bin_height, supported):
    mask = np.zeros(landing.shape)
    for k, tall in enumerate(items[:, 2]):
        mask[k] = np.where((landing[k] != -1) * (landing[k] + tall < bin_height + 1), supported[k], 0)
    return mask.flatten()


def _tops(landing, items):
    return landing + items[:, 2, None, None]


def action_mask__wrong_outside(landing, items, bin_height, supported):
    """boxes outside the walls are allowed"""
    return ((_tops(landing, items) <= bin_height) & supported).ravel()


def action_mask__wrong_rim(landing, items, bin_height, supported):
    """boxes that end exactly at the rim are refused"""
    return ((landing >= 0) & (_tops(landing, items) < bin_height) & supported).ravel()


def action_mask__wrong_underside(landing, items, bin_height, supported):
    """boxes that end above the rim are allowed"""
    return ((landing >= 0) & (landing <= bin_height) & supported).ravel()


def action_mask__wrong_unsupported(landing, items, bin_height, supported):
    """the support rule is left out"""
    return ((landing >= 0) & (_tops(landing, items) <= bin_height)).ravel()


def action_mask__wrong_no_rim(landing, items, bin_height, supported):
    """boxes that end above the rim are allowed"""
    return ((landing >= 0) & supported).ravel()


def action_mask__wrong_exchanged(landing, items, bin_height, supported):
    """legal and illegal are exchanged"""
    return ~((landing >= 0) & (_tops(landing, items) <= bin_height) & supported).ravel()


def action_mask__wrong_edge(landing, items, bin_height, supported):
    """the wrong edge of the boxes is added"""
    return ((landing >= 0) & (landing + items[:, 0, None, None] <= bin_height) & supported).ravel()


def action_mask__wrong_flat(landing, items, bin_height, supported):
    """it has shape (K, L, W): flatten it"""
    return (landing >= 0) & (_tops(landing, items) <= bin_height) & supported


def action_mask__wrong_order(landing, items, bin_height, supported):
    """x and y are exchanged in the order of the actions"""
    return ((landing >= 0) & (_tops(landing, items) <= bin_height) & supported).transpose(0, 2, 1).ravel()


def action_mask__wrong_no_floor(landing, items, bin_height, supported):
    """boxes that land on the floor are refused"""
    return ((landing > 0) & (_tops(landing, items) <= bin_height) & supported).ravel()


def action_mask__wrong_fortran(landing, items, bin_height, supported):
    """the axes are flattened in reverse"""
    return ((landing >= 0) & (_tops(landing, items) <= bin_height) & supported).ravel(order="F")


def action_mask__wrong_first_height(landing, items, bin_height, supported):
    """all candidates are taken to be as high as the first one"""
    return ((landing >= 0) & (landing + items[0, 2] <= bin_height) & supported).ravel()


def action_mask__wrong_candidate_last(landing, items, bin_height, supported):
    """the candidate runs fastest"""
    return np.moveaxis((landing >= 0) & (_tops(landing, items) <= bin_height) & supported, 0, -1).ravel()


def action_mask__wrong_clears(landing, items, bin_height, supported):
    """it changes its argument landing"""
    landing[landing < 0] = bin_height + 1
    return ((_tops(landing, items) <= bin_height) & supported).ravel()


def action_mask__wrong_supported_only(landing, items, bin_height, supported):
    """got 3 of 6 wrong, first action 2 (candidate 0 at (0, 2)): True, expected 0 of 6 wrong"""
    return supported.ravel()


# -------------------------------------------------------------------------------------------------- lowest_landing


def _parts(candidates):
    z = candidates.landing.astype(float)
    return z, np.arange(z.shape[2])[:, None] + np.zeros(z.shape), np.arange(z.shape[3]) + np.zeros(z.shape)


def lowest_landing__masked(candidates):
    z, x, y = _parts(candidates)
    return np.where(candidates.mask, 1000 - 3 * (100 * z + x + y), -np.inf)


def lowest_landing__loops(candidates):
    scores = candidates.landing.astype(int).tolist()
    for b, k, x, y in np.ndindex(candidates.landing.shape):
        scores[b][k][x][y] = -1000 * scores[b][k][x][y] - x - y
    return scores


def lowest_landing__wrong_no_minus(candidates):
    """the best place gets the lowest score"""
    z, x, y = _parts(candidates)
    return 50 * z + x + y


def lowest_landing__wrong_high(candidates):
    """high places win"""
    z, x, y = _parts(candidates)
    return 50 * z - (x + y)


def lowest_landing__wrong_near_first(candidates):
    """x + y decides before the height"""
    z, x, y = _parts(candidates)
    return -((x + y) * 50 + z)


def lowest_landing__wrong_far(candidates):
    """among equally low places the largest x + y wins"""
    z, x, y = _parts(candidates)
    return -z * 50 + x + y


def lowest_landing__wrong_ties(candidates):
    """equally low places all score the same"""
    return -candidates.landing.astype(float)


def lowest_landing__wrong_x_alone(candidates):
    """x alone breaks the ties"""
    z, x, _ = _parts(candidates)
    return -(50 * z + x)


def lowest_landing__wrong_x_then_y(candidates):
    """x breaks the ties, and then y"""
    z, x, y = _parts(candidates)
    return -(z * 1000 + x * candidates.heights.shape[2] + y)


def lowest_landing__wrong_even_weight(candidates):
    """a cell of height counts as much as a cell of x + y"""
    z, x, y = _parts(candidates)
    return -(z + x + y)


def lowest_landing__wrong_weight(candidates):
    """one cell of height counts as much as 2 L cells of x + y"""
    z, x, y = _parts(candidates)
    return -(2 * z.shape[2] * z + x + y)


def lowest_landing__wrong_weight_of_the_example(candidates):
    """one cell of height counts as much as 10 cells of x + y"""
    z, x, y = _parts(candidates)
    return -(10 * z + x + y)


def lowest_landing__wrong_weight_of_one_bin(candidates):
    """one cell of height counts as much as 19 cells of x + y"""
    z, x, y = _parts(candidates)
    return -(z * 19 + x + y)


def lowest_landing__wrong_weight_of_a_tie(candidates):
    """one cell of height counts as much as L + W - 2 cells of x + y"""
    z, x, y = _parts(candidates)
    return -(z * (z.shape[2] + z.shape[3] - 2) + x + y)


def lowest_landing__wrong_broken_weight(candidates):
    """got z = 1, x + y = 0 scores more than z = 0, x + y = 18, expected the lower z scores more, among equal z"""
    z, x, y = _parts(candidates)
    return -(z * 17.5 + x + y)


def lowest_landing__wrong_sign_of_x(candidates):
    """x counts with the wrong sign"""
    z, x, y = _parts(candidates)
    return -(99 * z - x + y)


def lowest_landing__wrong_top(candidates):
    """the height of the box is added"""
    z, x, y = _parts(candidates)
    return -(99 * (z + candidates.items[:, :, 2, None, None]) + x + y)


def lowest_landing__wrong_product(candidates):
    """got z = 0, x + y = 9 scores the same as z = 0, x + y = 8"""
    z, x, y = _parts(candidates)
    return -(50 * z + x * y)


def lowest_landing__wrong_choice(candidates):
    """the scores should have shape (1, 1, 2, 2), one for each placement, not (1,)"""
    z, x, y = _parts(candidates)
    return (50 * z + x + y).reshape(len(z), -1).argmin(axis=1)


def lowest_landing__wrong_overwrites(candidates):
    """it changes its argument candidates"""
    candidates.landing[~candidates.mask] = 99
    return -(candidates.landing * 50.0)


def lowest_landing__wrong_nothing(candidates):
    """is there a return?"""
    np.arange(3)
