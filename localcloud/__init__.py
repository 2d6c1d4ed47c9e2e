"""A cloud on a laptop: moto holds the resources, real engines do the work behind them."""
