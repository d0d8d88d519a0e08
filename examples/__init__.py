"""The demo's input files: a season of farms in Pingtung and Hsinchu, as the farms would have them."""
