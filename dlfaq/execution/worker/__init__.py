"""All that runs in the forked process of a chain, or in the server that it is forked from."""
