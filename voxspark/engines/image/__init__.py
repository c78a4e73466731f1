"""Pictures from descriptions; see `protocols.Painter`."""
