"""The packing core: where items can stand, how placements are scored, and an independent check; numpy alone."""
