"""The page: what is known of a site, in a browser. It changes things through the API alone."""
