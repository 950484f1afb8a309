"""Items and where they come from: units, cutting generators, catalogues from files, and streams drawn from them."""
