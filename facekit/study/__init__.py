"""Many inputs: what becomes which table, processes, shards, a Ray cluster, the study's summary."""
