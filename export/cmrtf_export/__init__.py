"""SavedModels, and the bundle that holds them."""
